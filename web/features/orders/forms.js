// A unit may be typed by its name: the list below the field gives the code that is sent.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches("[data-suggest-units]")) return;
  const option = [...field.list.options].find((one) => one.label === field.value || one.value === field.value);
  if (option) field.value = option.value;
});
// An item that is chosen from the list goes into the form; one that is typed is read by its name.
document.addEventListener("click", (event) => {
  const item = event.target.closest("#correct-form [data-item]");
  if (!item) return;
  document.getElementById("item-code").value = item.dataset.item;
  document.getElementById("item-words").value = item.dataset.name;
  document.getElementById("items").replaceChildren();
});
document.getElementById("item-words")?.addEventListener("input", () => { document.getElementById("item-code").value = ""; });
