// What was asked for once is not asked for again.

/** Keeps answers by their names; one that failed is asked for again. */
export class Shelf<Answer> {
  private readonly known = new Map<string, Promise<Answer>>();

  constructor(private readonly ask: (name: string) => Promise<Answer>) {}

  read(name: string): Promise<Answer> {
    const known = this.known.get(name);
    if (known) return known;
    const asked = this.ask(name);
    this.put(name, asked);
    return asked;
  }

  /** Keep an answer that came unasked. */
  put(name: string, answer: Promise<Answer>): void {
    this.known.set(name, answer);
    answer.catch(() => this.known.delete(name));
  }
}
