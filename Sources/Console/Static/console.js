// What the console's pages gain from scripts: they stay live, saves never hang, dangerous buttons ask. Without scripts every page is links and forms.
"use strict";

(() => {
  const words = document.getElementById("words")?.dataset ?? {};
  const language = document.documentElement.lang;
  const main = () => document.getElementById("main");

  // MARK: Times

  // Whole days are counted, not named: what is 30 hours old need not be of yesterday. Only this very moment has a name.
  const relative = { always: new Intl.RelativeTimeFormat(language), auto: new Intl.RelativeTimeFormat(language, { numeric: "auto" }) };
  const told = (count, unit, numeric) => {
    const text = relative[numeric].format(count, unit);
    // As the pages write it themselves: a space between a number and a Chinese word.
    return language.startsWith("zh") ? text.replace(/\d+/, "$& ") : text;
  };

  /** `3 minutes ago`, `in 2 hours`, `now` */
  const ago = (iso, now = Date.now()) => {
    const seconds = (Date.parse(iso) - now) / 1000;
    for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (Math.abs(seconds) >= size) return told(Math.trunc(seconds / size), unit, "always");
    }
    return told(Math.trunc(seconds), "second", "auto");
  };

  const tellTimes = (root = document) => {
    for (const time of root.querySelectorAll("time[data-relative]")) time.textContent = ago(time.dateTime);
  };
  setInterval(tellTimes, 20_000);

  // MARK: Live regions

  const state = () => document.querySelector("[data-live-state]");
  /** Null until the stream has said anything. */
  let wasLive = null;
  // What breaks off because the page is left is no lost connection.
  let isLeft = false;
  addEventListener("pagehide", () => { isLeft = true; });
  addEventListener("pageshow", () => { isLeft = false; });
  const show = (isLive) => {
    const element = state();
    if (!element || isLeft) return;
    if (wasLive && !isLive) document.getElementById("announcer").textContent = words.lost;
    wasLive = isLive;
    element.hidden = false;
    element.classList.toggle("lost", !isLive);
    element.textContent = isLive ? words.live : words.lost;
  };

  /** What the person is about to use stays as it is: a field with the caret or with something written, a save under way, a selection. */
  const isInUse = (region) => {
    const active = document.activeElement;
    const selection = document.getSelection();
    return (
      (region.contains(active) && active.matches("input, select, textarea")) ||
      (selection && !selection.isCollapsed && region.contains(selection.anchorNode)) ||
      [...region.querySelectorAll("form[data-save]")].some(
        (form) => form.querySelector("[data-save-state]")?.hasChildNodes() || [...form.elements].some(isWritten),
      )
    );
  };
  const isWritten = (field) => field.matches("textarea, input:not([type=hidden])") && field.value !== field.defaultValue;

  // A click ends on what it began on: while something is pressed nothing is put away, or moved, under the finger. A tap's click comes a
  // moment after the finger has gone; of some presses, such as one that opened a menu of the system's, no end is told.
  let pressedUntil = 0;
  addEventListener("pointerdown", () => { pressedUntil = Date.now() + 5_000; });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pressedUntil = Date.now() + 300; });

  const wanted = new Set();
  let timer = null;
  let refreshing = false;
  let lastRefresh = Date.now();
  const settling = new Map();

  /** Reads the page again and puts the marked regions in place of the old; not while nobody looks. */
  const refresh = async () => {
    timer = null;
    if (refreshing || document.hidden || wanted.size === 0) return;
    refreshing = true;
    const ids = [...wanted];
    wanted.clear();
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(15_000) });
      if (answer.redirected) return location.assign(answer.url);
      // An address that asks for what cannot be is a page all the same.
      if (!answer.ok && ![400, 422].includes(answer.status)) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!isForUs(page)) return location.reload();
      if (!answer.ok && !ids.some((id) => page.getElementById(id))) throw new Error(String(answer.status));
      const left = ids.filter((id) => !replace(id, page));
      for (const id of left) wanted.add(id);
      const fresh = page.querySelector(".as-of time");
      const shown = document.querySelector(".as-of time");
      if (fresh && shown && left.length === 0) shown.replaceWith(fresh);
      lastRefresh = Date.now();
      if (!stream()) show(true);
    } catch {
      if (!stream()) show(false);
      for (const id of ids) wanted.add(id);
      timer = setTimeout(refresh, 10_000);
    } finally {
      refreshing = false;
      wantCounted();
      // What came meanwhile, and what was in use, is looked at again without waiting for another event.
      if (wanted.size > 0 && timer === null && !document.hidden) timer = setTimeout(refresh, 2_000);
    }
  };

  /** Whether a page was made for the tenant this one was made for: in another window another may have been chosen. */
  const isForUs = (page) => page.body.dataset.for === document.body.dataset.for;

  /** False: the region is left as it is, for now. */
  const replace = (id, page) => {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (!old || !fresh) return true;
    // What was counted stays until it is counted anew.
    if ("counting" in fresh.dataset && !("counting" in old.dataset)) return false;
    old.toggleAttribute("data-counting", "counting" in fresh.dataset);
    if (old.innerHTML === fresh.innerHTML) return true;
    if (Date.now() < pressedUntil || isInUse(old)) return false;
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const open = new Map([...old.querySelectorAll("details")].map((one) => [keyOf(one), one.open]));
    for (const one of fresh.querySelectorAll("details")) one.open = open.get(keyOf(one)) ?? one.open;
    tellTimes(fresh);
    if (old.textContent === fresh.textContent && !fresh.querySelector("svg")) return true;
    old.replaceWith(fresh);
    fresh.classList.add("refreshed");
    if (active) counterpart(active, fresh)?.focus({ preventScroll: true });
    return true;
  };

  /** What opens and closes is told apart by what it is about: others may have come before it. */
  const keyOf = (details) =>
    details.dataset.key ?? details.querySelector("form")?.getAttribute("action") ?? details.querySelector("summary").textContent;

  /** The same link, button or summary in a region that was read anew. */
  const counterpart = (element, region) => {
    const same = (attribute, value) => region.querySelector(`${element.localName}[${attribute}="${CSS.escape(value)}"]`);
    if (element.matches("a")) return same("href", element.getAttribute("href"));
    if (element.value) return same("value", element.value);
    const key = element.matches("summary") ? keyOf(element.parentElement) : null;
    return [...region.querySelectorAll("details")].find((one) => keyOf(one) === key)?.querySelector("summary");
  };

  /** Of what was costly to count a page may have been given what was so before the event: once it is quiet, it is read once more. */
  const wantLater = (area) => {
    clearTimeout(settling.get(area));
    settling.set(area, setTimeout(() => want(area), 5_000));
  };

  let countWait = 250;

  /** What is still being counted is looked for until it is there, ever more seldom. */
  const wantCounted = () => {
    const regions = document.querySelectorAll("[data-counting]");
    if (regions.length === 0) return void (countWait = 250);
    for (const region of regions) wanted.add(region.id);
    countWait = Math.min(countWait * 2, 8_000);
    timer ??= setTimeout(refresh, countWait);
  };

  const want = (area) => {
    for (const region of document.querySelectorAll("[data-live-on]")) {
      if (area === null || region.dataset.liveOn.split(" ").includes(area)) wanted.add(region.id);
    }
    if (wanted.size > 0 && timer === null) timer = setTimeout(refresh, Math.max(300, lastRefresh + 2_000 - Date.now()));
  };

  const types = {
    job: ["completed", "held", "discarded", "cancelled", "progress"],
    lead: ["assigned", "pooled", "with_marketing", "manual_queue", "held"],
    alert: ["raised", "resolved"],
    control: ["changed"],
    breaker: ["changed"],
  };

  /** The address of the stream of events; of all tenants together there is none. */
  const stream = () => document.body.dataset.events;

  /** One stream for what this page shows, while somebody looks. Where none is to be had the page is read again now and then instead. */
  const listen = () => {
    const areas = new Set([...document.querySelectorAll("[data-live-on]")].flatMap((region) => region.dataset.liveOn.split(" ")));
    if (areas.size === 0) return;
    if (!stream()) {
      // Every ten seconds while somebody looks.
      setInterval(() => document.hidden || want(null), 10_000);
      return show(true);
    }
    let source = null;
    let retry = null;
    let wasOpen = false;

    const connect = () => {
      clearTimeout(retry);
      source?.close();
      const mine = (source = new EventSource(`${stream()}?types=${[...areas].join(",")}`));
      for (const area of areas) {
        for (const type of types[area] ?? []) {
          mine.addEventListener(`${area}.${type}`, () => {
            want(area);
            wantLater(area);
          });
        }
      }
      mine.addEventListener("gap", () => want(null));
      mine.addEventListener("open", () => {
        show(true);
        // What happened between the page and its stream was told to nobody.
        if (!wasOpen) want(null);
        wasOpen = true;
      });
      mine.addEventListener("end", () => show(false));
      mine.addEventListener("error", () => {
        show(false);
        if (mine.readyState !== EventSource.CLOSED || mine !== source) return;
        retry = setTimeout(() => {
          want(null);
          connect();
        }, 15_000);
      });
    };

    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        clearTimeout(retry);
        return source.close();
      }
      want(null);
      connect();
    });
    connect();
  };

  // MARK: Saves that never hang

  const patience = 15_000;

  const tell = (form, content) => {
    const place = form.querySelector("[data-save-state]");
    if (place) place.replaceChildren(...content);
    return place;
  };

  const note = (text, ...buttons) => {
    const element = document.createElement("div");
    element.className = "note bad";
    const inside = document.createElement("div");
    const line = document.createElement("p");
    line.textContent = text;
    inside.append(line);
    if (buttons.length > 0) {
      const row = document.createElement("div");
      row.className = "buttons";
      row.append(...buttons);
      inside.append(row);
    }
    element.append(inside);
    return element;
  };

  const button = (text, act) => {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "button slim";
    element.textContent = text;
    element.addEventListener("click", act);
    return element;
  };

  /** Sends a form once. The key in it makes sure that sending it again does nothing twice. */
  const save = async (form, submitter) => {
    const body = new URLSearchParams(new FormData(form, submitter));
    const buttons = [...form.querySelectorAll("button:not([type=button])")].filter((one) => !one.disabled);
    for (const one of buttons) one.disabled = true;
    const saving = document.createElement("p");
    saving.className = "saving";
    saving.textContent = words.saving;
    tell(form, [saving]);
    // What is done anew each time it is sent is not offered to be sent again where nobody knows what came of it.
    const unsure = (text) =>
      form.dataset.once === "no"
        ? note(words.unsure, button(words.reload, () => location.reload()))
        : note(text, button(words.again, () => save(form, submitter)));
    try {
      const answer = await fetch(submitter?.getAttribute("formaction") ?? form.action, {
        method: "POST",
        body,
        headers: { "Kiteline-Build": document.body.dataset.build },
        signal: AbortSignal.timeout(patience),
      });
      const text = await answer.text();
      if (answer.ok) {
        if (!answer.redirected) return take(text);
        // Only what was done leads on; a check shows its page and leaves the draft.
        forget(form);
        return location.href === answer.url ? location.reload() : location.assign(answer.url);
      }
      if (answer.status === 426) return tell(form, [note(words.outdated, button(words.reload, () => location.reload()))]);
      const page = new DOMParser().parseFromString(text, "text/html");
      const problem = page.querySelector("[data-problem]");
      // The form of before would be refused again: it lacks a field, or what it speaks of has changed.
      if (problem?.matches("[data-whole]")) return take(text);
      if (problem) renew(form, page);
      if (form.matches("[data-check]")) showFindings(page);
      const place = tell(form, [problem ? document.importNode(problem, true) : unsure(words.unreachable)]);
      place?.querySelector("[data-problem]")?.focus();
    } catch (error) {
      tell(form, [unsure(error.name === "TimeoutError" ? words.slow : words.unreachable)]);
    } finally {
      for (const one of buttons) one.disabled = false;
    }
  };

  /** What was refused was not done: corrected, it is another request, with the key that the answer's own form has. What it marks is marked. */
  const renew = (form, page) => {
    const forms = [...page.forms].filter((one) => one.getAttribute("action") === form.getAttribute("action"));
    const twin = forms.find((one) => draftName(one) === draftName(form)) ?? forms[0];
    for (const name of ["idempotencyKey", "csrf"]) {
      const [mine, fresh] = [form.elements.namedItem(name), twin?.elements.namedItem(name)];
      if (mine && fresh) mine.value = fresh.value;
    }
    for (const mine of drafted(form)) mine.ariaInvalid = twin?.elements.namedItem(mine.name)?.ariaInvalid ?? null;
  };

  /** Shows the page that came as the answer. */
  const take = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.getElementById("main");
    if (!fresh || !isForUs(page)) return location.reload();
    main().replaceWith(fresh);
    document.title = page.title;
    begin(fresh);
    if (wasLive !== null) show(wasLive);
    const shown = fresh.querySelector("[data-problem], [data-answer]");
    (shown ?? fresh).focus({ preventScroll: true });
    shown ? shown.scrollIntoView({ block: "center" }) : scrollTo({ top: 0 });
    wantCounted();
  };

  // MARK: Drafts

  // A pack's text is a draft of its own beside what was typed on the page without it.
  const place = () => {
    const pack = new URLSearchParams(location.search).get("pack");
    return location.pathname + (pack ? `?pack=${pack}` : "");
  };
  // Two forms of a page may do two things at one address.
  const draftName = (form) =>
    `kiteline:draft:${document.body.dataset.for}:${place()}:${form.getAttribute("action")}:${form.elements.namedItem("formId")?.value ?? ""}`;
  const drafted = (form) => [...form.elements].filter((one) => one.name && !["hidden", "password", "submit", "button"].includes(one.type));

  const remember = (form) => {
    const values = drafted(form).map((one) => [one.name, one.value, one.checked]);
    try { sessionStorage.setItem(draftName(form), JSON.stringify(values)); } catch { /* a full store costs the draft, not the form */ }
  };
  const forget = (form) => sessionStorage.removeItem(draftName(form));

  const restore = (form) => {
    const text = sessionStorage.getItem(draftName(form));
    if (!text) return;
    let isChanged = false;
    for (const [name, value, isChecked] of JSON.parse(text)) {
      for (const one of drafted(form).filter((one) => one.name === name)) {
        const isChoice = one.type === "radio" || one.type === "checkbox";
        if (isChoice ? one.value === value && one.checked !== isChecked : one.value !== value) {
          isChanged = true;
          isChoice ? (one.checked = isChecked) : (one.value = value);
        }
      }
    }
    if (!isChanged) return;
    const line = document.createElement("p");
    line.className = "saving";
    line.append(`${words.restored} `, button(words.discard, () => { forget(form); form.reset(); tell(form, []); }));
    tell(form, [line]);
  };

  // MARK: Checking while one writes

  let checking = null;

  /** What is found in a text stands below it, whether it was checked or saved. */
  const showFindings = (page) => {
    const fresh = page.getElementById("rule-check");
    if (fresh) document.getElementById("rule-check").replaceChildren(...fresh.childNodes);
  };

  /** Sends what stands in the form to be checked, and shows what comes back; what was sent later wins. */
  const check = async (form) => {
    checking?.abort();
    const mine = (checking = new AbortController());
    const body = new URLSearchParams(new FormData(form));
    body.set("dry_run", "true");
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body, signal: AbortSignal.any([mine.signal, AbortSignal.timeout(patience)]) });
      showFindings(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch { /* the button checks as well, and a save always does */ }
  };

  let checkTimer = null;
  const checkSoon = (form) => {
    clearTimeout(checkTimer);
    checkTimer = setTimeout(() => check(form), 700);
  };

  /** Puts the caret where a fault is. */
  const goToLine = (textarea, line) => {
    const lines = textarea.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    textarea.focus();
    textarea.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    textarea.scrollTop = Math.max(0, (line - 4) * (textarea.scrollHeight / lines.length));
  };

  // MARK: Questions before danger

  const confirmed = new WeakSet();

  /** The share that was typed beside a choice; nothing where none is to be. */
  const typedShare = (label) => label?.querySelector("input:not([type=radio])")?.value;

  /** Whether what was typed will be refused anyway, so that nobody is asked about it. */
  const isNoShare = (form, submitter) => {
    const typed = typedShare(form.querySelector(`input[name="${submitter.dataset.confirmOf}"]:checked`)?.closest("label"));
    const share = Number(typed?.replaceAll(" ", "") || "none");
    return typed !== undefined && !(share >= 0 && share <= 100);
  };

  const ask = (submitter, form) => {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "ask-title");
    const title = document.createElement("h2");
    title.id = "ask-title";
    title.textContent = words.sure;
    const line = document.createElement("p");
    line.textContent = submitter.dataset.confirm;
    // What was chosen in the form, where the question is about that.
    const chosen = document.createElement("strong");
    const asked = form.elements[submitter.dataset.confirmOf];
    const radio = form.querySelector(`input[name="${submitter.dataset.confirmOf}"]:checked`)?.closest("label");
    const typed = typedShare(radio);
    chosen.textContent = asked?.selectedOptions?.[0]?.textContent ?? (typed ? `${typed} %` : radio?.querySelector("strong")?.textContent) ?? "";
    const row = document.createElement("div");
    row.className = "buttons";
    const no = button(words.cancel, () => dialog.close());
    const yes = button(submitter.textContent.trim(), () => {
      dialog.close();
      confirmed.add(submitter);
      form.requestSubmit(submitter);
    });
    no.className = "button";
    yes.className = "button danger";
    row.append(no, yes);
    dialog.append(title, ...(chosen.textContent ? [chosen] : []), line, row);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    no.focus();
  };

  // MARK: Copying

  /** A button beside what is shown once, such as a new key. */
  const offerCopy = (element) => {
    const text = element.textContent;
    const copy = button(words.copy, async () => {
      await navigator.clipboard.writeText(text);
      copy.textContent = words.copied;
    });
    element.after(copy);
  };

  // MARK: Beginning

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (submitter?.dataset.confirm && !isNoShare(form, submitter) && !confirmed.delete(submitter)) {
      event.preventDefault();
      return ask(submitter, form);
    }
    if (form.matches("[data-save]")) {
      event.preventDefault();
      save(form, submitter);
    }
  });

  document.addEventListener("input", ({ target }) => {
    const form = target.form;
    if (target.matches("[data-picks-other]")) {
      const other = form.querySelector('input[type="radio"][value="other"]');
      if (other) other.checked = true;
    }
    if (form?.matches("[data-draft]")) remember(form);
    if (form?.matches("[data-check]")) checkSoon(form);
  });

  const openMenu = (isOpen) => {
    const side = document.getElementById("side");
    side.classList.toggle("open", isOpen);
    // What lies under the open menu is not reached with the keyboard.
    for (const under of document.querySelectorAll(".top, .content, .skip")) under.inert = isOpen;
    document.querySelector("[data-menu]").setAttribute("aria-expanded", String(isOpen));
    (isOpen ? side.querySelector("[data-menu-close]") : document.querySelector("[data-menu]")).focus();
  };
  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-line]");
    if (place) {
      event.preventDefault();
      return goToLine(document.querySelector(place.getAttribute("href")), Number(place.dataset.line));
    }
    const link = event.target.closest("[data-menu], [data-menu-close]");
    if (!link) return;
    event.preventDefault();
    openMenu(link.matches("[data-menu]"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.querySelector(".side.open")) openMenu(false);
  });
  // On a wide screen the menu stands beside the page.
  matchMedia("(max-width: 1100px)").addEventListener("change", ({ matches }) => {
    if (!matches && document.querySelector(".side.open")) openMenu(false);
  });

  const begin = (root) => {
    tellTimes(root);
    for (const form of root.querySelectorAll("form[data-draft]")) restore(form);
    if (navigator.clipboard) root.querySelectorAll("pre[data-copy]").forEach(offerCopy);
  };
  /** What was done is said once, not again with every reload. */
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }

  /** What an address leads to may stand in something that is folded. */
  const unfold = () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = place?.closest("details:not([open])");
    if (!folded) return;
    folded.open = true;
    place.scrollIntoView();
  };
  addEventListener("hashchange", unfold);

  begin(document);
  unfold();
  listen();
  wantCounted();
})();
