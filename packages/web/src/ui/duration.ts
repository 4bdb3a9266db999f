/** A length of time for people: `40 ms`, `1.2 s`, `18 s`, `1 min 04 s`, `2 h 05 min`, `3 d 4 h`. In milliseconds. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds > 0 && milliseconds < 1000) return `${Math.ceil(milliseconds)} ms`
  if (milliseconds >= 1000 && milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}
