// A line that follows the pointer through all lanes of a face and tells the time. The page is complete without it.
for (const lanes of document.querySelectorAll(".lanes")) {
  const plots = lanes.querySelectorAll(".plot"), start = +lanes.dataset.start, end = +lanes.dataset.end;
  const cursor = lanes.appendChild(document.createElement("div")), label = cursor.appendChild(document.createElement("span"));
  cursor.className = "cursor";
  lanes.addEventListener("pointermove", (event) => {
    const box = plots[0].getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
    cursor.style.display = share >= 0 && share <= 1 ? "block" : "none";
    cursor.style.left = event.clientX - lanes.getBoundingClientRect().left + "px";
    const tenths = Math.round(10 * (start + share * (end - start))), seconds = Math.floor(tenths / 10) % 60;
    label.textContent = Math.floor(tenths / 600) + ":" + String(seconds).padStart(2, "0") + "." + (tenths % 10);
    label.style.transform = share > 0.85 ? "translateX(calc(-100% - 8px))" : "";
  });
  lanes.addEventListener("pointerleave", () => (cursor.style.display = "none"));
}
