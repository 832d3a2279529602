// The map: a canvas for each server, and beside it, for those who cannot see it, the same units as a list of options.

import { html, nothing, ref, repeat } from './lit.js';
import { cpuAt, geometry } from './map-geometry.js';
import { SHADES, paintCpu, paintServer, prepare, readPalette } from './map-paint.js';
import { parseCpus } from './cpu-set.js';
import { KINDS, kindOf, unitBadge } from './status.js';
import { serverStatus } from './parts.js';
import { tags } from './format.js';

const GLYPH = 14;
const HOUSEKEEPING = { kind: 'housekeeping', passes: true, isMarked: false, shade: 0 };

const descriptions = new WeakMap();

/** Returns a unit in words. A unit that changes is another object, so each is put into words once. */
export function describeUnit(unit, server) {
  const known = descriptions.get(unit);
  if (known?.server === server) return known.text;
  const text = [
    unit.compute_id, unitBadge(unit, server).text, `${unit.cpu_count} CPUs ${unit.cpu_range}`, tags(unit.tags), unit.reason,
  ].filter(Boolean).join(', ');
  descriptions.set(unit, { server, text });
  return text;
}

/**
 * @param unitsOf returns the units of a server
 * @param opened told of the unit that was selected
 */
export function createMap({ unitsOf, opened, changed }) {
  const cards = new Map();
  const tip = { element: null };
  let palette = null;
  let marked = null;
  let passes = () => true;
  let current = null;

  function card(hostname) {
    if (!cards.has(hostname)) cards.set(hostname, { hostname, canvas: null, drawing: null, isInView: false, width: 0, drawn: [], owners: new Map(), cpusOf: new Map() });
    return cards.get(hostname);
  }

  function unitAt(own, event) {
    const box = own.canvas.getBoundingClientRect();
    const cpu = cpuAt(own.drawing, event.clientX - box.left, event.clientY - box.top);
    return { cpu, unit: own.owners.get(cpu) };
  }

  // Hovering draws one server and moves one element; it needs no other part of the page.
  function hover(own, event) {
    const { cpu, unit } = unitAt(own, event);
    mark(own, unit?.compute_id ?? null);
    tell(own, cpu, unit, event.clientX, event.clientY);
  }

  function leave(own) {
    mark(own, null);
    if (tip.element) tip.element.hidden = true;
  }

  function mark(own, id) {
    const before = marked;
    marked = id;
    if (before !== id) draw(own);
  }

  function tell(own, cpu, unit, x, y) {
    if (!tip.element) return;
    tip.element.hidden = cpu === undefined;
    if (cpu === undefined) return;
    const what = unit ? describeUnit(unit, own.server) : 'housekeeping: the system and root';
    tip.element.replaceChildren(Object.assign(document.createElement('strong'), { textContent: `CPU ${cpu}` }), ` ${what}`);
    const left = Math.min(x + 14, innerWidth - tip.element.offsetWidth - 8);
    const top = y + 20 + tip.element.offsetHeight > innerHeight ? y - tip.element.offsetHeight - 8 : y + 20;
    tip.element.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  }

  function draw(own) {
    if (!own.canvas?.isConnected || !own.drawing) return;
    const looks = new Map(unitsOf(own.hostname).map((unit, index) => [unit, {
      kind: kindOf(unit, own.server), passes: passes(unit), isMarked: unit.compute_id === marked, shade: index % SHADES.length,
    }]));
    paintServer(own.canvas, own.drawing, own.width, cpu => looks.get(own.owners.get(cpu)) ?? HOUSEKEEPING, palette);
  }

  /** Draws the servers of which anything has changed since they were drawn. */
  function drawChanged(everything) {
    for (const [hostname, own] of cards) {
      if (!own.canvas?.isConnected) {
        cards.delete(hostname);
        continue;
      }
      const width = own.canvas.parentElement.clientWidth;
      if (width === 0 || !own.isInView) {
        own.drawn = everything ? [] : own.drawn;
        continue;
      }
      const state = [own.server, width, palette, ...unitsOf(hostname)];
      if (everything || state.length !== own.drawn.length || state.some((each, index) => each !== own.drawn[index])) {
        if (width !== own.width || own.server?.facts !== own.facts) {
          own.drawing = geometry(own.server.facts, width);
          own.facts = own.server.facts;
        }
        own.width = width;
        own.drawn = state;
        own.owners = new Map(unitsOf(hostname).flatMap(unit => cpusOf(own, unit).map(cpu => [cpu, unit])));
        draw(own);
      }
    }
  }

  function cpusOf(own, unit) {
    if (!own.cpusOf.has(unit.cpu_range)) own.cpusOf.set(unit.cpu_range, parseCpus(unit.cpu_range));
    return own.cpusOf.get(unit.cpu_range);
  }

  let filter = null;
  let pending = null;

  /** Draws what needs it, once the page that shows it is there. */
  function drawSoon(newFilter = filter) {
    const everything = newFilter?.text !== filter?.text;
    filter = newFilter;
    passes = filter?.passes ?? (() => true);
    pending = pending || { everything: false };
    pending.everything ||= everything;
    queueMicrotask(() => {
      if (!pending) return;
      palette ??= readPalette(document.body);
      const { everything: all } = pending;
      pending = null;
      drawChanged(all);
    });
  }

  function restyle() {
    palette = null;
    drawSoon();
    changed();
  }

  const resized = new ResizeObserver(() => drawSoon());
  const seen = new IntersectionObserver(entries => {
    entries.forEach(entry => { card(entry.target.dataset.hostname).isInView = entry.isIntersecting; });
    drawSoon();
  }, { rootMargin: '200px' });
  const schemes = matchMedia('(prefers-color-scheme: dark)');
  schemes.addEventListener('change', restyle);

  // The keyboard: left and right go from unit to unit, up and down from server to server.

  function optionId(unit) {
    return `cpus-of-${unit.compute_id}`;
  }

  function select(own, id) {
    current = { hostname: own.hostname, id };
    mark(own, id);
    changed();
  }

  function neighbour(hostname, step) {
    const all = [...document.querySelectorAll('.host:not([hidden]) .cpus[role=listbox]')];
    return all[all.findIndex(each => each.dataset.hostname === hostname) + step];
  }

  function key(own, event) {
    const units = unitsOf(own.hostname);
    const index = Math.max(0, units.findIndex(unit => unit.compute_id === current?.id));
    const targets = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: units.length - 1 };
    if (event.key in targets) {
      event.preventDefault();
      select(own, units[Math.max(0, Math.min(units.length - 1, targets[event.key]))].compute_id);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      neighbour(own.hostname, event.key === 'ArrowDown' ? 1 : -1)?.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      opened(units[index].compute_id);
    }
  }

  function focused(own) {
    const units = unitsOf(own.hostname);
    select(own, units.some(unit => unit.compute_id === current?.id) ? current.id : units[0].compute_id);
    const unit = units.find(each => each.compute_id === current.id);
    const box = own.canvas.getBoundingClientRect();
    if (own.canvas.matches(':focus-visible') || own.canvas.parentElement.matches(':focus-visible')) {
      tell(own, cpusOf(own, unit)[0], unit, box.left, box.bottom - 16);
    }
  }

  function cpus(server) {
    const own = card(server.hostname);
    own.server = server;
    const units = unitsOf(server.hostname);
    const isCurrent = current?.hostname === server.hostname;
    const isList = units.length > 0;
    const housekeeping = `${server.facts.cpu_count} CPUs, housekeeping ${server.housekeeping_cpus || 'none'}`;
    return html`
      <div class="cpus" data-hostname=${server.hostname} role=${isList ? 'listbox' : nothing}
        tabindex=${isList ? (isCurrent || !current ? '0' : '-1') : nothing}
        aria-label=${isList ? `Units of ${server.hostname}: ${housekeeping}` : nothing}
        aria-activedescendant=${isCurrent ? optionId({ compute_id: current.id }) : nothing}
        @keydown=${event => isList && key(own, event)} @focus=${() => isList && focused(own)} @blur=${() => leave(own)}
        @pointermove=${event => hover(own, event)} @pointerleave=${() => leave(own)}
        @click=${event => { const { unit } = unitAt(own, event); if (unit) opened(unit.compute_id); }}>
        <canvas aria-hidden="true" ${ref(element => {
          if (element && own.canvas !== element) {
            own.canvas = element;
            own.drawn = [];
            resized.observe(element.parentElement);
            seen.observe(element.parentElement);
          }
        })}></canvas>
        ${isList ? html`<div class="unseen">${repeat(units, unit => unit.compute_id, unit => html`
          <div role="option" id=${optionId(unit)} aria-selected=${isCurrent && current.id === unit.compute_id ? 'true' : 'false'}>${describeUnit(unit, server)}</div>`)}</div>` : nothing}
      </div>`;
  }

  /** A server that the filter leaves out keeps its card, so that it is there again at once. */
  function serverCard(server, isShown = true) {
    if (!isShown && current?.hostname === server.hostname) current = null;
    const units = unitsOf(server.hostname);
    const busy = units.filter(unit => unit.status === 'allocated').length;
    return html`
      <article class="host" ?hidden=${!isShown}>
        <h3><a href="/servers/${encodeURIComponent(server.hostname)}">${server.hostname}</a>
          <span class="share">${busy}/${units.length}</span>${server.status === 'ready' && !server.cordoned ? nothing : serverStatus(server)}</h3>
        ${cpus(server)}
      </article>`;
  }

  const tooltip = () => html`<div class="tip" role="tooltip" hidden ${ref(element => { tip.element = element ?? null; })}></div>`;

  function legend() {
    return html`<ul class="legend" aria-label="What the map shows">${Object.entries(KINDS).map(([kind, { label }]) => html`
      <li><canvas aria-hidden="true" ${ref(element => element && queueMicrotask(() => glyph(element, kind)))}></canvas>${label}</li>`)}</ul>`;
  }

  function glyph(canvas, kind) {
    palette ??= readPalette(document.body);
    paintCpu(prepare(canvas, GLYPH, GLYPH), kind, 1, 1, GLYPH - 2, palette);
  }

  return {
    cpus, serverCard, tooltip, legend, drawSoon, restyle,
    close() {
      resized.disconnect();
      seen.disconnect();
      schemes.removeEventListener('change', restyle);
    },
  };
}
