/** The server's clock by the reader's: a reader's clock may be off by minutes, and countdowns to the server's moments with it. */

/** How far the server's clock is ahead of the reader's, in milliseconds. */
let ahead = 0;

/** Takes the `Date` of an answer. It has whole seconds, and an answer takes its time: a small difference says nothing. */
export function heard(date: string | null): void {
  const seen = Date.parse(date ?? '') + 500 - Date.now();
  if (Math.abs(seen - ahead) > 1500) ahead = seen;
}

/** When a moment of the server's is by the reader's clock, in milliseconds since 1970. */
export function here(iso: string): number {
  return Date.parse(iso) - ahead;
}

/** "0:27", "12:05": what is left until a moment by the reader's clock. */
export function left(until: number): string {
  const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** "14:03:27": a moment by the reader's clock. */
export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
