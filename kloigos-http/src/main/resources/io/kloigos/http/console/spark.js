// Small live charts: the newest values of one quantity, against its limit where it has one.

import { html, svg, nothing } from './lit.js';

const WIDTH = 240;
const HEIGHT = 48;
const KEPT = 60;

/** Keeps the newest values. */
export function createSeries() {
  const values = [];
  return {
    values,
    add(value) {
      values.push(value);
      if (values.length > KEPT) values.shift();
    },
  };
}

function points(values, top) {
  const step = WIDTH / (KEPT - 1);
  const first = WIDTH - (values.length - 1) * step;
  return values.map((value, index) => [first + index * step, HEIGHT - 1 - (HEIGHT - 3) * Math.min(1, value / top)]);
}

function percent(share) {
  return share > 0 && share < 0.01 ? '<1 %' : `${Math.round(share * 100)} %`;
}

/** A chart whose words say the same: the newest value, its limit, and the share of it. */
export function spark({ title, series, limit, format, note }) {
  const known = series.values.filter(value => value !== null);
  const now = series.values.at(-1);
  const top = Math.max(limit ?? 0, ...known, 1e-9);
  const line = points(known, top);
  const share = limit && now !== null && now !== undefined ? now / limit : null;
  const tone = share === null ? 'used' : share >= 0.95 ? 'bad' : share >= 0.8 ? 'busy' : 'used';
  return html`
    <figure class="spark ${tone}">
      <figcaption><strong>${title}</strong>
        <span class="now">${now === undefined ? 'reading' : now === null ? 'not counted' : format(now)}</span>
        <span class="of">${limit ? `of ${format(limit)}` : ''}${share === null ? '' : ` (${percent(share)})`}</span></figcaption>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        ${limit ? svg`<line class="limit" x1="0" x2=${WIDTH} y1=${HEIGHT - 1 - (HEIGHT - 3) * (limit / top)} y2=${HEIGHT - 1 - (HEIGHT - 3) * (limit / top)}></line>` : nothing}
        ${line.length > 1 ? svg`<path class="area" d="M${line[0][0]},${HEIGHT} L${line.map(point => point.join(',')).join(' L')} L${WIDTH},${HEIGHT} Z"></path>
          <polyline points=${line.map(point => point.join(',')).join(' ')}></polyline>` : nothing}
      </svg>
      ${note ? html`<small>${note}</small>` : nothing}
    </figure>`;
}
