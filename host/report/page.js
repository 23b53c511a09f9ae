// What the page can do beyond standing there: values under the cursor, series and layers to choose, drawings to enlarge.
// Everything is in this file and in the page's own data; nothing is fetched.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("plot-data").textContent);
  const number = (value) => {
    if (typeof value === "string") return value;
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace("-", "−");
    return value.toLocaleString("en", { maximumSignificantDigits: 6 }).replace("-", "−");
  };
  const element = (name, attributes = {}, text = "") => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.textContent = text;
    return made;
  };

  const tip = element("div", { class: "tip", role: "status" });
  tip.hidden = true;
  document.body.append(tip);

  const show = (event, head, rows) => {
    const host = document.querySelector("dialog[open]") ?? document.body;
    if (tip.parentElement !== host) host.append(tip);
    tip.replaceChildren(element("b", {}, head));
    rows.forEach(([text, colour]) => {
      const row = element("div", {}, text);
      if (colour) row.prepend(Object.assign(element("i"), { style: `background:${colour}` }));
      tip.append(row);
    });
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = event.clientX + 14 + width > innerWidth ? event.clientX - 14 - width : event.clientX + 14;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.min(Math.max(4, event.clientY + 14), innerHeight - height - 4)}px`;
  };

  const within = (box, [left, top], margin = 0) =>
    left >= box[0] - margin && left <= box[2] + margin && top >= box[1] - margin && top <= box[3] + margin;

  // A line through the point that is shown; drawn with the drawing, so that it moves and grows with it.
  const guide = document.createElementNS("http://www.w3.org/2000/svg", "line");
  guide.setAttribute("class", "guide");

  const point = (svg, size, event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [(at.x - size[0]) / size[2], (at.y - size[1]) / size[3]];
  };

  // Values of cells are compressed; they are unpacked when a cursor first comes near, once.
  const unpacked = async (packed) => {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint16Array(await new Response(stream).arrayBuffer());
  };

  const lookAtCells = async (svg, size, cells, event) => {
    const [left, top] = point(svg, size, event);
    let before = 0;
    for (const tile of cells.tiles) {
      const [x, y, right, bottom] = tile.box;
      if (within(tile.box, [left, top])) {
        const row = Math.min(Math.floor((top - y) / (bottom - y) * tile.rows), tile.rows - 1);
        const column = Math.min(Math.floor((left - x) / (right - x) * tile.columns), tile.columns - 1);
        cells.unpacked ??= unpacked(cells.values);
        const value = (await cells.unpacked)[before + row * tile.columns + column];
        show(event, tile.name, [[`row ${row}, column ${column}`], [value === 65535 ? "no cell" : `${number(value)}`]]);
        return;
      }
      before += tile.rows * tile.columns;
    }
    tip.hidden = true;
  };

  const look = (svg, size, plot, hidden, event) => {
    const at = point(svg, size, event);
    for (const axes of plot) {
      const bar = axes.bars.find((each) => within(each.box, at, 0.002));
      if (bar) {
        guide.remove();
        show(event, bar.label || axes.y, [[`${axes.x && !axes.y ? axes.x : axes.y || axes.x} ${number(bar.value)}`]]);
        return;
      }
      const lines = axes.lines.filter((line) => !hidden.has(line.id) && line.points.length);
      if (!lines.length || !within(axes.box, at)) continue;
      const near = (line) =>
        line.points.reduce((best, each) => (Math.abs(each[0] - at[0]) < Math.abs(best[0] - at[0]) ? each : best));
      const found = lines.map((line) => [line, near(line)]);
      const closest = found.reduce((a, b) => (Math.abs(b[1][0] - at[0]) < Math.abs(a[1][0] - at[0]) ? b : a))[1];
      const shown = found.filter(([, each]) => Math.abs(each[0] - closest[0]) < 0.01);
      const across = size[0] + closest[0] * size[2];
      Object.entries({
        x1: across, x2: across, y1: size[1] + axes.box[1] * size[3], y2: size[1] + axes.box[3] * size[3],
      }).forEach(([key, value]) => guide.setAttribute(key, value));
      svg.append(guide);
      show(event, `${axes.x} ${number(closest[2])}`,
        shown.map(([line, each]) => [`${line.label.replace(/ \([^)]*\)$/, "")} ${number(each[3])}`, line.colour]));
      return;
    }
    tip.hidden = true;
    guide.remove();
  };

  const choices = (svg, name, plot, hidden) => {
    const lines = plot.flatMap((axes) => axes.lines);
    if (new Set(lines.map((line) => line.label)).size < 2) return null;
    const box = element("div", { class: "choices", role: "group", "aria-label": "Series to show" });
    lines.forEach((line) => {
      const button = element("button", { type: "button", "aria-pressed": "true" }, line.label);
      button.prepend(Object.assign(element("i"), { style: `background:${line.colour}` }));
      button.addEventListener("click", () => {
        const gone = !hidden.delete(line.id);
        if (gone) hidden.add(line.id);
        button.setAttribute("aria-pressed", String(!gone));
        svg.querySelectorAll(`[id^="${name}-${line.id}"]`).forEach((part) => {
          if (!/^\d/.test(part.id.slice(`${name}-${line.id}`.length))) part.style.display = gone ? "none" : "";
        });
      });
      box.append(button);
    });
    return box;
  };

  const dialog = element("dialog", { class: "enlarged", "aria-label": "Enlarged drawing" });
  const close = element("button", { type: "button", class: "close" }, "Close");
  close.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  const enlarge = (svg, size) => {
    const place = document.createComment("drawing");
    svg.replaceWith(place);
    dialog.replaceChildren(
      close, svg, element("p", {}, "Wheel: zoom. Drag: move. Double click: whole drawing. Escape: close."));
    dialog.addEventListener("close", () => {
      svg.setAttribute("viewBox", size.join(" "));
      place.replaceWith(svg);
      tip.hidden = true;
    }, { once: true });
    dialog.showModal();
  };

  const zoomable = (svg, size) => {
    const open = () => svg.parentElement === dialog;
    const view = () => svg.getAttribute("viewBox").split(" ").map(Number);
    svg.addEventListener("wheel", (event) => {
      if (!open()) return;
      event.preventDefault();
      const [left, top, width, height] = view();
      const factor = Math.min(event.deltaY < 0 ? 1 / 1.25 : 1.25, size[2] / width);
      const [x, y] = point(svg, size, event);
      const [across, down] = [size[0] + x * size[2], size[1] + y * size[3]];
      svg.setAttribute("viewBox", [
        across - (across - left) * factor, down - (down - top) * factor, width * factor, height * factor,
      ].join(" "));
    }, { passive: false });
    svg.addEventListener("dblclick", () => open() && svg.setAttribute("viewBox", size.join(" ")));
    let from = null;
    svg.addEventListener("pointerdown", (event) => { from = open() ? point(svg, size, event) : null; });
    svg.addEventListener("pointerup", () => { from = null; });
    svg.addEventListener("pointermove", (event) => {
      if (!from || !event.buttons) return;
      const to = point(svg, size, event);
      const [left, top, width, height] = view();
      svg.setAttribute("viewBox", [
        left + (from[0] - to[0]) * size[2], top + (from[1] - to[1]) * size[3], width, height,
      ].join(" "));
    });
  };

  document.querySelectorAll("figure[data-plot]").forEach((figure) => {
    const name = figure.dataset.plot;
    const svg = figure.querySelector("svg");
    const size = svg.getAttribute("viewBox").split(" ").map(Number);
    const { axes: plot, tiles: cells } = data[name];
    const hidden = new Set();
    const button = element("button", { type: "button", class: "enlarge" }, "Enlarge");
    button.addEventListener("click", () => enlarge(svg, size));
    figure.querySelector("h3").append(button);
    const box = choices(svg, name, plot, hidden);
    if (box) svg.after(box);
    zoomable(svg, size);
    svg.addEventListener("pointermove", (event) =>
      cells ? lookAtCells(svg, size, cells, event) : look(svg, size, plot, hidden, event));
    svg.addEventListener("pointerleave", () => { tip.hidden = true; guide.remove(); });
  });

  // A drawing of all layers, or of one.
  document.querySelectorAll(".views select").forEach((select) => {
    const figures = [...select.closest(".views").querySelectorAll("figure[data-plot]")];
    const choose = () => figures.forEach((figure) => { figure.hidden = figure.dataset.plot !== select.value; });
    select.addEventListener("change", choose);
    choose(); // a browser keeps what was chosen when a page is loaded again
  });
})();
