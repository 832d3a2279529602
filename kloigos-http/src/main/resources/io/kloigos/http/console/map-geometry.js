// Where each CPU of a server is drawn: within its core, its NUMA node and its socket. Pure.

import { parseCpus } from './cpu-set.js';

const MOST_NODES_IN_A_ROW = 4;
const MOST_CORES_IN_A_ROW = 32;
const LABEL = 18;
const PAD = 5;
const NODE_GAP = 6;
const SOCKET_GAP = 8;
const CORE_GAP = 2;
const CELL = { least: 4, most: 20 };

function coresOf(facts) {
  const cores = facts.cores.map(parseCpus);
  return cores.length ? cores : parseCpus(facts.online_cpus).map(cpu => [cpu]);
}

/** Sockets with their nodes, and the cores of each node, in the order of their CPUs. */
function sockets(facts) {
  const cores = coresOf(facts);
  const packages = facts.packages.length ? facts.packages : [{ package: 0, cpus: facts.online_cpus }];
  const nodes = facts.nodes.length ? facts.nodes : [{ node: 0, cpus: facts.online_cpus }];
  return packages.map(each => {
    const inPackage = new Set(parseCpus(each.cpus));
    return {
      number: each.package,
      nodes: nodes.map(node => {
        const inNode = new Set(parseCpus(node.cpus));
        return { number: node.node, cores: cores.filter(core => inPackage.has(core[0]) && inNode.has(core[0])) };
      }).filter(node => node.cores.length > 0),
    };
  }).filter(socket => socket.nodes.length > 0);
}

function grid(number, columns) {
  return { columns: Math.min(number, columns), rows: Math.ceil(number / columns) };
}

/** Returns the place of each CPU, socket and node in a drawing as wide as `width`, and the drawing's height. */
export function geometry(facts, width) {
  const all = sockets(facts);
  const inRow = Math.min(all.length, MOST_NODES_IN_A_ROW);
  const nodesAcross = Math.max(1, Math.min(Math.floor(MOST_NODES_IN_A_ROW / inRow), Math.max(...all.map(socket => socket.nodes.length))));
  const mostCores = Math.max(...all.flatMap(socket => socket.nodes.map(node => node.cores.length)));
  const columns = Math.min(mostCores, Math.floor(MOST_CORES_IN_A_ROW / (inRow * nodesAcross)));
  const fixed = (inRow - 1) * SOCKET_GAP + inRow * (2 * PAD + (nodesAcross - 1) * NODE_GAP);
  const pitch = Math.floor((width - fixed) / (inRow * nodesAcross * columns));
  const cell = Math.max(CELL.least, Math.min(CELL.most, pitch - CORE_GAP));
  const drawing = { cells: [], sockets: [], nodes: [], cell, height: 0 };
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  all.forEach((socket, index) => {
    if (index > 0 && index % inRow === 0) {
      x = 0;
      y += rowHeight + SOCKET_GAP;
      rowHeight = 0;
    }
    const box = placeSocket(drawing, socket, { x, y, columns, nodesAcross, cell });
    x += box.width + SOCKET_GAP;
    rowHeight = Math.max(rowHeight, box.height);
  });
  drawing.height = y + rowHeight;
  return drawing;
}

function placeSocket(drawing, socket, { x, y, columns, nodesAcross, cell }) {
  const isOneNode = socket.nodes.length === 1;
  const box = {
    x, y, width: 0, height: 0,
    label: `socket ${socket.number}${isOneNode ? `, node ${socket.nodes[0].number}` : ''}`,
    shortLabel: `s${socket.number}${isOneNode ? ` n${socket.nodes[0].number}` : ''}`,
  };
  let nodeY = y + (isOneNode ? 0 : LABEL);
  for (let first = 0; first < socket.nodes.length; first += nodesAcross) {
    let nodeX = x + PAD;
    let height = 0;
    for (const node of socket.nodes.slice(first, first + nodesAcross)) {
      const placed = placeNode(drawing, node, nodeX, nodeY, columns, cell);
      if (!isOneNode) drawing.nodes.push({ x: nodeX, y: nodeY, label: `node ${node.number}` });
      nodeX += placed.width + NODE_GAP;
      height = Math.max(height, placed.height);
    }
    box.width = Math.max(box.width, nodeX - NODE_GAP + PAD - x);
    nodeY += height + NODE_GAP;
  }
  box.height = nodeY - NODE_GAP + PAD - y;
  drawing.sockets.push(box);
  return box;
}

function placeNode(drawing, node, x, y, columns, cell) {
  const shape = grid(node.cores.length, columns);
  const threads = Math.max(...node.cores.map(core => core.length));
  const coreHeight = threads * (cell + 1) - 1;
  node.cores.forEach((core, index) => {
    const left = x + (index % columns) * (cell + CORE_GAP);
    const top = y + LABEL + Math.floor(index / columns) * (coreHeight + CORE_GAP + 1);
    core.forEach((cpu, thread) => drawing.cells.push({ cpu, x: left, y: top + thread * (cell + 1) }));
  });
  return {
    width: shape.columns * (cell + CORE_GAP) - CORE_GAP,
    height: LABEL + shape.rows * (coreHeight + CORE_GAP + 1) - CORE_GAP - 1,
  };
}

/** Returns the CPU at a point, or undefined. The gaps belong to the CPU before them. */
export function cpuAt(drawing, x, y) {
  const reach = drawing.cell + CORE_GAP;
  return drawing.cells.find(cell => x >= cell.x && x < cell.x + reach && y >= cell.y && y < cell.y + reach)?.cpu;
}
