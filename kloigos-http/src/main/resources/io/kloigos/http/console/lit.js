// The one place that names the template library.
export { html, svg, render, nothing } from './lib/lit-html.js';
export { repeat } from './lib/directives/repeat.js';
export { live } from './lib/directives/live.js';
export { ref } from './lib/directives/ref.js';
