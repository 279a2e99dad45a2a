// What the pages do beyond htmx: overlays, keys that were pasted with spaces, and what to say when the server is silent.
"use strict";
(() => {
  const overlay = () => document.querySelector("dialog.overlay");

  let opener = null;

  // An overlay opens as soon as it is in the page. One that came with the page itself goes on over it.
  const open = () => {
    const dialog = overlay();
    if (!dialog || dialog.matches(":modal")) return;
    dialog.removeAttribute("open");
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  };

  // One that has its own address leads back to the screen below it; any other goes away, and the focus back to what opened it.
  const closed = (dialog) => {
    if (dialog.dataset.path === location.pathname) {
      location.assign(dialog.dataset.back);
      return;
    }
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  };

  document.addEventListener("click", (event) => {
    const closer = event.target.closest("dialog.overlay [data-close]");
    if (!closer) return;
    event.preventDefault();
    closer.closest("dialog").close();
  });
  document.addEventListener("close", (event) => {
    if (event.target.matches("dialog.overlay")) closed(event.target);
  }, true);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "overlay") opener = event.detail.elt;
  });

  // What was wrong with a field is no longer known once it is changed.
  document.addEventListener("input", (event) => {
    if (!event.target.hasAttribute("aria-invalid")) return;
    event.target.removeAttribute("aria-invalid");
    document.getElementById(event.target.id + "-error").textContent = "";
  });

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.type !== "password" || !field.dataset.trim) return;
    const trimmed = field.value.trim();
    if (trimmed === field.value) return;
    field.value = trimmed;
    const said = document.getElementById(field.id + "-trimmed");
    if (said) said.textContent = "The spaces around it were taken away.";
  });

  const say = (text) => {
    const place = overlay()?.querySelector("[data-problem]") ?? document.getElementById("notice");
    if (!place) return;
    const p = document.createElement("p");
    p.className = "form-problem";
    p.setAttribute("role", "alert");
    p.textContent = text;
    place.replaceChildren(p);
  };

  document.addEventListener("htmx:load", open);
  document.addEventListener("htmx:sendError", () => say("The server does not answer. What you typed is still here; try again in a moment."));
  document.addEventListener("htmx:timeout", () => say("The server took too long to answer. Look whether it was done before you try again."));
  // An error that is not about the form stands where the person looks: in the overlay, if one is open.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!overlay() || !event.detail.isError) return;
    const answer = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
    event.detail.shouldSwap = false;
    say(answer.body.textContent.trim().replace(/\s+/g, " "));
  });
  open();
})();
