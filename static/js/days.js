// A slider over the days on which results became known. The form it stands in works without it:
// the slider only fills the date field, and sends the form when a pointer lets it go. The keyboard
// sends it with Enter, so that arrow keys may pass over days without loading each.

for (const form of document.querySelectorAll("form.days")) slide(form);

function slide(form) {
  const days = form.dataset.days.split(" ");
  const field = form.elements["as-of"];
  const slider = document.createElement("input");
  slider.type = "range";
  slider.max = days.length - 1;
  slider.value = Math.max(0, days.findLastIndex((day) => day <= field.value));
  slider.setAttribute("aria-label", "Days with results, the last is today; Enter shows the day");
  const say = () => slider.setAttribute("aria-valuetext", words(days[slider.value]));
  say();

  let pointed = false;
  slider.addEventListener("pointerdown", () => (pointed = true));
  slider.addEventListener("keydown", (event) => {
    pointed = false;
    if (event.key === "Enter") form.requestSubmit();
  });
  slider.addEventListener("input", () => {
    field.value = days[slider.value];
    say();
  });
  slider.addEventListener("change", () => {
    if (pointed) form.requestSubmit();
  });
  form.prepend(slider);
}

function words(day) {
  const form = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
  return new Date(`${day}T00:00Z`).toLocaleDateString("en", form);
}
