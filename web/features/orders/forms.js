// A unit may be typed by its name: the list below the field gives the code that is sent.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches("[data-suggest-units]")) return;
  const option = [...field.list.options].find((one) => one.label === field.value || one.value === field.value);
  if (option) field.value = option.value;
});
