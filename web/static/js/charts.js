// Draws <div data-chart="kind"> from the JSON beside it. Colours and fonts come from the page, so dark and light fit.
/* global echarts */
const TONES = ["overdue", "soon", "running", "solved", "unsolved", "suspended"];
// Colour-blind safe, in this order (Okabe and Ito 2008, without yellow, which is too light on white).
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6b7785"];
const VIRIDIS = ["#fde725", "#7ad151", "#22a884", "#2a788e", "#414487", "#440154"];

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ink: of("ink"), soft: of("soft"), line: of("line"), sheet: of("sheet"), ...Object.fromEntries(TONES.map((tone) => [tone, of(tone)])) };
}

function makeAxes(kind, data, colours) {
  const text = { color: colours.soft, fontSize: 11 };
  const category = { type: "category", data: data.x, axisLabel: { ...text, hideOverlap: true }, axisLine: { lineStyle: { color: colours.line } }, axisTick: { show: false } };
  const value = { type: "value", name: data.unit || "", nameTextStyle: text, axisLabel: text, splitLine: { lineStyle: { color: colours.line } }, min: data.min, max: data.max };
  // Its name would stand at the far end of the axis, where nobody looks for it: the unit goes to each figure.
  if (kind === "bars") Object.assign(value, { name: "", axisLabel: { ...text, formatter: data.unit ? `{value} ${data.unit}` : undefined } });
  if (kind === "bars") return { yAxis: { ...category, inverse: true, axisLabel: { ...text, width: 130, overflow: "break" } }, xAxis: value };
  return { xAxis: category, yAxis: value };
}

function makeSeries(kind, data, colours) {
  return data.series.map((one, at) => ({
    name: one.name,
    type: one.kind || (["line", "area"].includes(kind) ? "line" : "bar"),
    data: one.values,
    stack: ["stack", "area"].includes(kind) && !one.kind ? "all" : undefined,
    areaStyle: kind === "area" ? { opacity: 0.35 } : undefined,
    symbol: "circle", symbolSize: 5, showSymbol: data.x.length < 40, barMaxWidth: 26,
    lineStyle: { width: 2, type: one.dashed ? "dashed" : "solid" },
    itemStyle: { color: colours[one.tone] || COLOURS[at % COLOURS.length] },
  }));
}

function makeHeat(data, colours) {
  // The palest end means few: viridis from its light end, so that empty cells stay quiet.
  const cells = data.series.flatMap((row, y) => row.values.map((value, x) => [x, y, value ?? "-"]));
  const most = Math.max(1, ...cells.map((cell) => (cell[2] === "-" ? 0 : cell[2])));
  const text = { color: colours.soft, fontSize: 11 };
  return {
    xAxis: { type: "category", data: data.x, axisLabel: text, axisTick: { show: false }, splitArea: { show: false } },
    yAxis: { type: "category", data: data.series.map((row) => row.name), inverse: true, axisLabel: text, axisTick: { show: false } },
    visualMap: { min: 0, max: most, calculable: false, orient: "vertical", right: 0, top: "center", itemHeight: 110, itemWidth: 10, textStyle: text, inRange: { color: VIRIDIS } },
    series: [{ type: "heatmap", data: cells, itemStyle: { borderColor: colours.sheet, borderWidth: 1 } }],
  };
}

export function makeOption(kind, data) {
  const colours = readColours();
  const base = {
    animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colours.ink },
    grid: { left: 8, right: kind === "heat" ? 64 : 14, top: data.series.length > 1 && kind !== "heat" ? 34 : 26, bottom: 6, containLabel: true },
    // Drawn, not HTML: markup with inline styles is not allowed by the policy of the pages.
    tooltip: { trigger: kind === "heat" ? "item" : "axis", renderMode: "richText", confine: true, backgroundColor: colours.sheet, borderColor: colours.line, textStyle: { color: colours.ink, fontSize: 12 } },
  };
  if (kind === "heat") return { ...base, ...makeHeat(data, colours) };
  const legend = data.series.length > 1 ? { top: 0, right: 0, itemWidth: 14, itemHeight: 8, textStyle: { color: colours.soft, fontSize: 12 } } : undefined;
  return { ...base, legend, ...makeAxes(kind, data, colours), series: makeSeries(kind, data, colours) };
}

export function drawCharts(root = document) {
  for (const box of root.querySelectorAll("[data-chart]")) {
    if (box.dataset.drawn) continue;
    box.dataset.drawn = "yes";
    const data = JSON.parse(box.parentElement.querySelector("script[type='application/json']").textContent);
    const chart = echarts.init(box, null, { renderer: "canvas" });
    chart.setOption(makeOption(box.dataset.chart, data));
    if (data.links) chart.on("click", (event) => { if (data.links[event.dataIndex]) location.assign(data.links[event.dataIndex]); });
    new ResizeObserver(() => chart.resize()).observe(box);
  }
}

drawCharts();
document.addEventListener("htmx:load", (event) => drawCharts(event.detail.elt));
