// When files were last changed.
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** The time of the newest file below an entry, in milliseconds; what is built or installed there does not count. */
export function newest(entry) {
  const stat = statSync(entry)
  if (!stat.isDirectory()) return stat.mtimeMs
  return readdirSync(entry)
    .filter((name) => name !== 'dist' && name !== 'node_modules')
    .reduce((latest, name) => Math.max(latest, newest(path.join(entry, name))), stat.mtimeMs)
}
