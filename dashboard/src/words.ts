/** What states and times are called. */

export type Mood = 'busy' | 'you' | 'good' | 'bad' | 'quiet';

interface Words {
  /** One or two words, for a list. */
  short: string;
  /** A sentence, for the session's own page. */
  long: string;
  mood: Mood;
}

const STATUSES: Record<string, Words> = {
  initializing: { short: 'Starting', long: 'Two fresh machines are being started.', mood: 'busy' },
  vm_created: { short: 'Starting', long: 'The machine is up, and the tool is starting its sign-in.', mood: 'busy' },
  awaiting_user: { short: 'Your turn', long: 'Sign in on the machine’s screen.', mood: 'you' },
  transferring: { short: 'Handing over', long: 'You are signed in. The credentials are on their way.', mood: 'busy' },
  completed: { short: 'Signed in', long: 'Signed in. The tool on your machine confirmed it.', mood: 'good' },
  failed: { short: 'Failed', long: 'The sign-in failed.', mood: 'bad' },
  cancelled: { short: 'Cancelled', long: 'The sign-in was cancelled.', mood: 'quiet' },
  expired: { short: 'Expired', long: 'The time for signing in ran out.', mood: 'quiet' },
};

export function words(status: string): Words {
  return STATUSES[status] ?? { short: status, long: status, mood: 'quiet' };
}

export function isEnded(status: string): boolean {
  return ['completed', 'failed', 'cancelled', 'expired'].includes(status);
}

export function isCancellable(status: string): boolean {
  return ['initializing', 'vm_created', 'awaiting_user'].includes(status);
}

/** "4 s", "12 min", "3 h", "5 days": how long ago something was. */
export function ago(from: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(from)) / 1000));
  if (Number.isNaN(seconds)) return '';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  const days = Math.floor(seconds / 86_400);
  return `${days} day${days === 1 ? '' : 's'}`;
}

/** "+0.4 s", "+1 min 05 s": how long after the beginning something was. */
export function after(beginning: string, moment: string): string {
  const ms = Date.parse(moment) - Date.parse(beginning);
  if (Number.isNaN(ms)) return '';
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `+${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `+${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `+${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')} min`;
}

/** A moment in the reader's own time zone. */
export function moment(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}
