// Small comforts of every page: buttons that copy what stands beside them. Everything works without.
for (const place of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet copy";
  button.textContent = document.body.dataset.copyWord;
  const told = document.createElement("span");
  told.className = "copied";
  told.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(place.dataset.copy || place.textContent.trim());
    told.textContent = document.body.dataset.copiedWord;
    setTimeout(() => { told.textContent = ""; }, 3000);
  });
  const block = place.closest("pre") ?? place;
  block.after(button, told);
}
document.body.dataset.ready = "";
