// Where the phone is, for a report-in: asked for only when somebody asks, and told with how sure the phone is.
const WAIT_MS = 15_000;
for (const form of document.querySelectorAll("form[data-report-in]")) {
  const button = form.querySelector("[data-locate]");
  const words = form.querySelector("[data-located]");
  if (!navigator.geolocation) { button.hidden = true; continue; }
  button.addEventListener("click", () => {
    button.disabled = true;
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      form.elements.lon.value = coords.longitude.toFixed(6);
      form.elements.lat.value = coords.latitude.toFixed(6);
      form.elements.accuracy_m.value = Math.ceil(coords.accuracy);
      words.textContent = button.dataset.wordsFine.replace("%m", String(Math.ceil(coords.accuracy)));
      button.disabled = false;
    }, () => {
      words.textContent = button.dataset.wordsRefused;
      button.disabled = false;
    }, { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 0 });
  });
}
