"""The sandbox's clinical pages: patient list, chart with live cards, order pad, framed app."""
