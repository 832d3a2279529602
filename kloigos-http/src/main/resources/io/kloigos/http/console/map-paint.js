// Draws CPUs. Each kind has a shape as well as a colour, so that nobody needs to tell colours apart.

const COLOURS = {
  free: '--good', allocated: '--used', stopped: '--used', changing: '--busy', failed: '--bad',
  quarantined: '--quarantined', withdrawn: '--soft', cordoned: '--soft', housekeeping: '--soft',
};

/** Neighbouring units differ, in rows of one, two or four units. */
export const SHADES = [1, 0.82, 0.64];
const HARDLY_THERE = 0.15;

/** Returns the colours of the map as the page's style has them now. */
export function readPalette(element) {
  const probe = document.createElement('span');
  element.append(probe);
  const colour = name => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const palette = {
    ink: colour('--ink'), soft: colour('--soft'), line: colour('--line'), paper: colour('--surface'), font: getComputedStyle(element).fontFamily,
    ...Object.fromEntries(Object.entries(COLOURS).map(([kind, name]) => [kind, colour(name)])),
  };
  probe.remove();
  return palette;
}

function cross(c, x, y, size) {
  c.beginPath();
  c.moveTo(x + 2, y + 2);
  c.lineTo(x + size - 2, y + size - 2);
  c.moveTo(x + size - 2, y + 2);
  c.lineTo(x + 2, y + size - 2);
  c.stroke();
}

function slash(c, x, y, size) {
  c.beginPath();
  c.moveTo(x + 1.5, y + size - 1.5);
  c.lineTo(x + size - 1.5, y + 1.5);
  c.stroke();
}

const outline = (c, x, y, size) => c.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);

/** What is drawn in a square; fill and stroke have the kind's colour. */
const SHAPES = {
  free: outline,
  allocated: (c, x, y, size) => c.fillRect(x, y, size, size),
  stopped: (c, x, y, size) => {
    outline(c, x, y, size);
    c.fillRect(x + size * 0.3, y + size * 0.3, size * 0.4, size * 0.4);
  },
  changing: (c, x, y, size) => {
    outline(c, x, y, size);
    c.fillRect(x, y, size / 2, size);
  },
  failed: (c, x, y, size, paper) => {
    c.fillRect(x, y, size, size);
    c.strokeStyle = paper;
    cross(c, x, y, size);
  },
  quarantined: (c, x, y, size) => {
    outline(c, x, y, size);
    cross(c, x, y, size);
  },
  withdrawn: (c, x, y, size) => c.fillRect(x + 1, y + size / 2 - 1, size - 2, 2),
  cordoned: (c, x, y, size) => {
    outline(c, x, y, size);
    slash(c, x, y, size);
  },
  housekeeping: (c, x, y, size) => c.fillRect(x + size / 2 - 1, y + size / 2 - 1, 2, 2),
};

export function paintCpu(c, kind, x, y, size, palette) {
  c.fillStyle = palette[kind];
  c.strokeStyle = palette[kind];
  SHAPES[kind](c, x, y, size, palette.paper);
}

/** Makes the canvas as large as the drawing, sharp on every display, and empty. */
export function prepare(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const c = canvas.getContext('2d');
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}

/**
 * Draws a server.
 *
 * @param cpus what each CPU is: its kind, whether it passes the filter, whether it belongs to the unit that is marked, and
 *     which of the shades its unit has
 */
export function paintServer(canvas, drawing, width, cpus, palette) {
  const c = prepare(canvas, width, drawing.height);
  c.font = `10px ${palette.font}`;
  c.textBaseline = 'top';
  c.fillStyle = palette.soft;
  c.strokeStyle = palette.line;
  c.lineWidth = 1;
  drawing.sockets.forEach(box => {
    c.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
    c.fillText(c.measureText(box.label).width < box.width - 8 ? box.label : box.shortLabel, box.x + 5, box.y + 4);
  });
  drawing.nodes.forEach(node => c.fillText(node.label, node.x, node.y + 3));
  for (const [look, cells] of byLook(drawing.cells, cpus)) {
    const { kind, passes, shade, isMarked } = look;
    c.globalAlpha = passes ? SHADES[shade] : HARDLY_THERE;
    cells.forEach(({ x, y }) => paintCpu(c, kind, x, y, drawing.cell, palette));
    if (isMarked) mark(c, cells, drawing.cell, palette);
  }
}

/** Changing the colour costs more than drawing a square, so CPUs that look the same are drawn together. */
function byLook(cells, cpus) {
  const groups = new Map();
  for (const cell of cells) {
    const look = cpus(cell.cpu);
    const group = groups.get(look);
    if (group) group.push(cell);
    else groups.set(look, [cell]);
  }
  return groups;
}

function mark(c, cells, size, palette) {
  c.globalAlpha = 1;
  c.strokeStyle = palette.ink;
  c.lineWidth = 2;
  cells.forEach(({ x, y }) => c.strokeRect(x - 1, y - 1, size + 2, size + 2));
  c.lineWidth = 1;
}
