// Draws the lanes in the page and lets the keyboard walk through them. The page says everything
// without this script: when it cannot draw, the server's picture takes the chart's place.

const figure = document.getElementById("chart");
if (figure) start(figure);

async function start(figure) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const live = document.getElementById("chart-live");
  let chart = null;
  try {
    const { default: embed } = await import(figure.dataset.embed);
    chart = await draw(figure, embed, dark.matches);
    listen(figure, live, () => chart);
    const again = async () => {
      const at = chart.at;
      chart = await draw(figure, embed, dark.matches);
      if (at) chart.look(at);
    };
    dark.addEventListener("change", again);
    onWidth(figure, again);
  } catch (error) {
    picture(figure);
    console.warn("The chart could not be drawn in the page:", error.name);
  }
}

async function draw(figure, embed, dark) {
  const address = new URL(figure.dataset.spec, location.href);
  address.searchParams.set("scheme", dark ? "dark" : "light");
  const answer = await fetch(address, {
    credentials: "same-origin",
    cache: "no-store",
  });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const spec = await answer.json();
  fit(spec, figure.clientWidth);
  const { view } = await embed(figure, spec, {
    ast: true,
    renderer: "svg",
    actions: false,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  });
  figure.classList.add("drawn");
  return walker(view, spec);
}

// The axis labels take 34 px and the spec's padding 28; the lanes take what is left.
function fit(spec, width) {
  for (const lane of spec.vconcat) lane.width = Math.max(200, Math.floor(width) - 66);
}

// The lanes as the keyboard sees them: rows of points, oldest first.
function walker(view, spec) {
  const lanes = Object.entries(spec.datasets)
    .filter(([name, rows]) => name.startsWith("points_") && rows.length)
    .map(([, rows]) => [...rows].sort((a, b) => a.t.localeCompare(b.t)));
  const place = new Map();
  lanes.forEach((rows, lane) => rows.forEach((row, step) => place.set(row.key, [lane, step])));
  return {
    at: null,
    view,
    look(key) {
      if (!place.has(key)) return null;
      this.at = key;
      view.signal("at", key).runAsync();
      const [lane, step] = place.get(key);
      return lanes[lane][step];
    },
    leave() {
      this.at = null;
      view.signal("at", "").runAsync();
    },
    move(dx, dy) {
      if (!lanes.length) return null;
      if (this.at === null) return this.look(lanes[0].at(-1).key);
      const [lane, step] = place.get(this.at);
      if (dy) {
        const rows = lanes[Math.min(Math.max(lane + dy, 0), lanes.length - 1)];
        return this.look(nearest(rows, lanes[lane][step].t).key);
      }
      return this.look(lanes[lane].at(Math.min(Math.max(step + dx, 0), lanes[lane].length - 1)).key);
    },
    end(first) {
      const rows = lanes[this.at === null ? 0 : place.get(this.at)[0]];
      return rows ? this.look(rows.at(first ? 0 : -1).key) : null;
    },
  };
}

function nearest(rows, time) {
  const to = Date.parse(time);
  return rows.reduce((best, row) =>
    Math.abs(Date.parse(row.t) - to) < Math.abs(Date.parse(best.t) - to) ? row : best);
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP = "Arrow keys: left and right through the draws, up and down through the lanes. "
  + "Enter: the row in the table.";

function listen(figure, live, current) {
  figure.tabIndex = 0;
  figure.setAttribute("role", "application");
  figure.setAttribute("aria-roledescription", "chart");
  figure.setAttribute("aria-label", `Results over time. ${HELP}`);
  const say = (row) => { if (row) live.textContent = row.say; };

  figure.addEventListener("focus", () => { if (!current().at) live.textContent = HELP; });
  figure.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const chart = current();
    if (event.key in MOVES) say(chart.move(...MOVES[event.key]));
    else if (event.key === "Home" || event.key === "End") say(chart.end(event.key === "Home"));
    else if (event.key === "Escape") { chart.leave(); live.textContent = ""; }
    else if (event.key === "Enter" || event.key.toLowerCase() === "t") toTable(chart.at);
    else return;
    event.preventDefault();
  });
  figure.addEventListener("mouseover", (event) => {
    const datum = event.target.__data__?.datum;
    if (datum?.key) say(current().look(datum.key));
  });
}

// The table of the same data, at the row that was looked at.
function toTable(key) {
  const drawer = document.getElementById("results");
  drawer.open = true;
  const row = key && document.getElementById(`r-${key}`);
  const target = row || drawer.querySelector("summary");
  if (row) row.tabIndex = -1;
  target.focus();
  target.scrollIntoView({ block: "center" });
}

function picture(figure) {
  const image = document.createElement("img");
  image.src = figure.dataset.picture;
  image.alt = figure.dataset.alt;
  figure.replaceChildren(image);
  figure.classList.add("drawn");
}

function onWidth(figure, act) {
  let width = figure.clientWidth;
  let waiting = 0;
  new ResizeObserver(() => {
    if (Math.abs(figure.clientWidth - width) < 8) return;
    width = figure.clientWidth;
    clearTimeout(waiting);
    waiting = setTimeout(act, 150);
  }).observe(figure);
}
