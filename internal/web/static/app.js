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

  // What was entered into an overlay is discarded only after a question.
  const filled = (dialog) => [...dialog.querySelectorAll("input, textarea, select")].some((field) => {
    if (["hidden", "submit", "button"].includes(field.type)) return false;
    if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return [...field.options].some((o) => o.defaultSelected) && !field.selectedOptions[0]?.defaultSelected;
    return field.value !== field.defaultValue;
  }) || dialog.querySelector("[aria-invalid], [data-insist], [data-problem] p") !== null;
  const leave = (dialog, sure) => {
    const question = dialog.querySelector("[data-discard]");
    if (sure || !question || !filled(dialog)) return dialog.close();
    question.hidden = false;
    question.querySelector("[data-keep]").focus();
  };
  document.addEventListener("click", (event) => {
    const dialog = event.target.closest("dialog.overlay");
    const closer = event.target.closest("[data-close]");
    if (dialog && event.target.closest("[data-keep]")) {
      event.target.closest("[data-discard]").hidden = true;
      dialog.querySelector("form input:not([type=hidden]), form textarea")?.focus();
    }
    if (!dialog || !closer) return;
    event.preventDefault();
    leave(dialog, closer.hasAttribute("data-sure"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !overlay()) return;
    event.preventDefault();
    leave(overlay());
  });
  document.addEventListener("cancel", (event) => {
    if (!event.target.matches("dialog.overlay")) return;
    event.preventDefault();
    leave(event.target);
  }, true);

  // A verdict is about the key and the address that were tested. It goes, and so does the offer to save anyway, once one of them is changed.
  document.addEventListener("input", (event) => {
    const form = event.target.name?.startsWith("field.") && event.target.closest("dialog.overlay form");
    if (!form) return;
    form.querySelector("#test-result")?.replaceChildren();
    form.querySelector("[data-problem]")?.replaceChildren();
    form.querySelector("[data-insist]")?.remove();
    for (const wrong of form.querySelectorAll("[aria-invalid][name^='field.']")) {
      wrong.removeAttribute("aria-invalid");
      document.getElementById(wrong.id + "-error").textContent = "";
    }
  });
  document.addEventListener("close", (event) => {
    if (event.target.matches("dialog.overlay")) closed(event.target);
  }, true);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "overlay") opener = event.detail.elt;
  });

  // What was wrong with a field is no longer known once it is changed.
  document.addEventListener("input", (event) => {
    const wrong = event.target.closest("[aria-invalid]");
    if (!wrong) return;
    wrong.removeAttribute("aria-invalid");
    document.getElementById(wrong.id + "-error").textContent = "";
  });

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.type !== "password" || !field.dataset.trim) return;
    const trimmed = field.value.trim();
    if (trimmed === field.value) return;
    field.value = trimmed;
    const said = document.getElementById(field.id + "-trimmed");
    if (said) said.textContent = "Leading and trailing spaces were removed.";
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

  // What is under way is sent by the server as it moves, while somebody looks.
  let stream = null;
  const watch = () => {
    const live = document.querySelector("[data-events]");
    const path = live && !document.hidden ? live.dataset.events : null;
    if (stream?.path === path) return;
    stream?.source.close();
    stream = path && { path, source: new EventSource(path) };
    stream?.source.addEventListener("live", (event) => show(event.data));
    stream?.source.addEventListener("error", () => {
      if (stream?.source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      stream = null;
      say("The server sends no more news. Load the page again to see how things stand.");
    });
  };
  const show = (text) => {
    const live = document.querySelector("[data-events]");
    if (!live) return;
    const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
    const parsed = new DOMParser().parseFromString(text, "text/html").getElementById("live");
    live.replaceWith(parsed);
    htmx.process(parsed);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    watch();
  };
  document.addEventListener("visibilitychange", watch);
  document.addEventListener("htmx:load", watch);

  // Charts load their library when there is one to draw.
  const charts = () => document.querySelectorAll("[data-chart]:not([data-drawn])").forEach((place) => {
    place.dataset.drawn = "yes";
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = place.dataset.style;
    const library = document.createElement("script");
    library.src = place.dataset.library;
    library.addEventListener("load", () => draw(place));
    document.head.append(style, library);
  });
  const draw = (place) => {
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const runs = JSON.parse(place.dataset.chart);
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const short = (n) => n >= 1e6 ? n / 1e6 + " M" : n >= 1e3 ? n / 1e3 + " k" : n;
    const width = () => Math.max(240, place.clientWidth);
    const span = runs.begin.at(-1) - runs.begin[0];
    const when = (seconds) => {
      const [day, time] = new Date(seconds * 1000).toISOString().split(/[T.]/);
      return span > 2 * 86400 ? day.slice(5) : span > 600 ? time.slice(0, 5) : time;
    };
    const plot = new uPlot({
      width: width(), height: 200, cursor: { drag: { x: false } },
      scales: { lasted: { range: (u, min, max) => [0, Math.max(max, 0.001) * 1.1] }, y: { range: (u, min, max) => [0, Math.max(max, 1) * 1.1] } },
      axes: [{ ...axis, space: 80, values: (u, all) => all.map(when) }, { ...axis, size: 60, values: (u, all) => all.map(short) }, { ...axis, scale: "lasted", side: 1, size: 60, grid: { show: false }, values: (u, all) => all.map((v) => v + " s") }],
      series: [
        { label: "Began (UTC)", value: (u, v) => v == null ? "–" : new Date(v * 1000).toISOString().slice(0, 19).replace("T", " ") },
        { label: "Records", stroke: colour("--accent"), fill: colour("--accent-soft"), width: 2, points: { size: 6 }, value: (u, v) => v ?? "–" },
        { label: "Seconds", scale: "lasted", stroke: colour("--warn"), width: 1.5, dash: [5, 4], points: { show: false }, value: (u, v) => v?.toFixed(2) ?? "–" },
      ],
    }, [runs.begin, runs.records, runs.lasted], place);
    new ResizeObserver(() => plot.setSize({ width: width(), height: 200 })).observe(place);
  };
  document.addEventListener("htmx:load", charts);

  // A value of an answer is proposed for the field of the form that it can fill.
  document.addEventListener("click", (event) => {
    const picked = event.target.closest("[data-pick]");
    const field = picked && document.getElementById(picked.dataset.pick);
    if (!field) return;
    let value = picked.dataset.value;
    if (field.id === "request-key") {
      const names = field.value.split(",").map((name) => name.trim()).filter(Boolean);
      value = (names.includes(value) ? names.filter((name) => name !== value) : [...names, value]).join(", ");
    }
    field.value = value;
    if (field.id === "request-paging-value") nextBy(picked);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const label = document.querySelector(`label[for="${field.id}"]`).firstChild.textContent.trim();
    document.getElementById("proposed").textContent = value ? `${label} is now ${value}` : `${label} is now empty`;
  });
  // Whatever leads to the next page is a URL or a value for a parameter.
  const nextBy = (picked) => {
    const type = document.getElementById("request-paging-type");
    if (["next_value", "next_url"].includes(type.value)) return;
    type.value = /^https?:/.test(picked.parentElement.querySelector(".faint").textContent) ? "next_url" : "next_value";
  };

  // A menu whose fields did not come shows again what the fields are of.
  const unchoose = (event) => {
    const menu = event.detail.elt?.closest("form.endpoint")?.elements.endpoint;
    if (menu) menu.value = document.querySelector("#source [name=endpoint]").value;
  };
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(failure, unchoose);

  // What was typed is kept for the time in which somebody must sign in again: never a key or a password, and no longer than for that.
  const kept = "typed", signing = "signing-in";
  const keep = (form) => {
    if (form.method !== "post" || form.querySelector("input[type=password]:not([data-trim])")) return;
    const values = [...form.elements].filter((e) => e.name && !["password", "hidden", "file", "submit"].includes(e.type) && (e.type !== "radio" || e.checked))
      .map((e) => [e.name, e.value, e.checked]);
    const url = location.pathname + location.search;
    sessionStorage.setItem(kept, JSON.stringify({ url, overlay: form.closest("dialog")?.dataset.path, values }));
  };
  document.addEventListener("submit", (event) => keep(event.target), true);
  document.addEventListener("htmx:beforeRequest", (event) => { // a test, too, finds out that the session has ended
    const form = event.detail.elt.closest("form");
    if (form && event.detail.requestConfig.verb !== "get") keep(form);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) sessionStorage.removeItem(kept);
  });
  const restore = async () => {
    const typed = JSON.parse(sessionStorage.getItem(kept));
    const next = document.querySelector("form[action='/sign-in'] [name=next]");
    if (next) {
      sessionStorage.setItem(signing, "yes");
      if (typed) next.value = typed.url;
      return;
    }
    const back = sessionStorage.getItem(signing) && typed?.url === location.pathname + location.search;
    sessionStorage.removeItem(kept);
    sessionStorage.removeItem(signing);
    if (!back) return;
    if (typed.overlay && !overlay()) await htmx.ajax("GET", typed.overlay, { target: "#overlay" });
    for (const [name, value, checked] of typed.values) {
      for (const field of (overlay() ?? document).querySelectorAll(`[name="${CSS.escape(name)}"]:not([type=hidden], [type=submit])`)) {
        if (field.type === "radio") field.checked = field.value === value;
        else if (field.type === "checkbox") field.checked = field.value === value ? checked : field.checked;
        else field.value = value;
      }
    }
    say("Your session had ended, so nothing was saved. What you typed is still here, except keys.");
  };

  document.addEventListener("closeOverlay", () => overlay()?.close());
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
  watch();
  charts();
  restore();
})();
