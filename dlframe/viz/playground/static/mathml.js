/* The formulas of explain(), from LaTeX to MathML, which browsers set themselves. It knows what the
   formulas use, no more; what it does not know stays as text. */

const SIGNS = {
  alpha: "α", beta: "β", delta: "δ", varepsilon: "ε", epsilon: "ε", lambda: "λ", mu: "μ",
  sigma: "σ", Phi: "Φ", varphi: "φ", pi: "π", top: "⊤", cdot: "·", leq: "≤", geq: "≥", ne: "≠",
  sum: "∑", infty: "∞", odot: "⊙", in: "∈", partial: "∂", times: "×",
};
const WORDS = new Set(["tanh", "max", "min", "ln", "exp", "log", "sin", "cos"]);
const OPERATORS = new Set(["·", "≤", "≥", "≠", "∑", "⊙", "∈", "×"]);

const escaped = (text) => text.replace(/[&<>]/g, (c) => ({"&": "&amp;", "<": "&lt;", ">": "&gt;"})[c]);
const operator = (sign) => `<mo>${escaped(sign)}</mo>`;
const row = (inner) => `<mrow>${inner}</mrow>`;

function tokens(latex) {
  return latex.match(/\\[a-zA-Z]+|\\.|[{}^_]|\d+(?:\.\d+)?|[^\s]/g) ?? [];
}

class Reader {
  constructor(latex) {
    this.tokens = tokens(latex);
    this.at = 0;
  }

  rest(end) {
    let out = "";
    while (this.at < this.tokens.length && this.tokens[this.at] !== end) out += this.scripted();
    this.at += 1;
    return out;
  }

  scripted() {
    const base = this.one();
    let below = "";
    let above = "";
    while (this.tokens[this.at] === "_" || this.tokens[this.at] === "^") {
      const sign = this.tokens[this.at];
      this.at += 1;
      if (sign === "_") below = this.one();
      else above = this.one();
    }
    if (below && above) return `<msubsup>${base}${below}${above}</msubsup>`;
    if (below) return `<msub>${base}${below}</msub>`;
    return above ? `<msup>${base}${above}</msup>` : base;
  }

  one() {
    const token = this.tokens[this.at];
    this.at += 1;
    if (token === undefined) return "<mrow></mrow>";
    if (token === "{") return row(this.rest("}"));
    if (/^\d/.test(token)) return `<mn>${token}</mn>`;
    if (/^[a-zA-Z]$/.test(token)) return `<mi>${token}</mi>`;
    if (!token.startsWith("\\")) return operator(token === "-" ? "−" : token);
    const name = token.slice(1);
    if (name === "frac") return `<mfrac>${this.one()}${this.one()}</mfrac>`;
    if (name === "sqrt") return `<msqrt>${this.one()}</msqrt>`;
    if (name === "bar") return `<mover accent="true">${this.one()}<mo>¯</mo></mover>`;
    if (name === "hat") return `<mover accent="true">${this.one()}<mo>^</mo></mover>`;
    if (name === "mathrm") return `<mi mathvariant="normal">${this.word()}</mi>`;
    if (name === "left" || name === "right") return this.one();
    if (name === "quad") return "<mspace width=\"1em\"></mspace>";
    if (WORDS.has(name)) return `<mi>${name}</mi>`;
    if (name in SIGNS) {
      return OPERATORS.has(SIGNS[name]) ? operator(SIGNS[name]) : `<mi>${SIGNS[name]}</mi>`;
    }
    return `<mtext>${escaped(token)}</mtext>`;
  }

  word() {
    let out = "";
    this.at += 1; // the brace
    while (this.at < this.tokens.length && this.tokens[this.at] !== "}") {
      out += this.tokens[this.at];
      this.at += 1;
    }
    this.at += 1;
    return escaped(out);
  }
}

/** MathML of a formula in LaTeX, as text. */
export function mathml(latex) {
  return `<math><mrow>${new Reader(latex).rest(undefined)}</mrow></math>`;
}
