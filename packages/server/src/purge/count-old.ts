import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PURGED } from './records.ts'

const actor = systemActor('dbpurge', 'what is older than its retention is counted, and left as it is')

/** Records of one kind that the next rounds of the purge would delete; undefined for those that are kept for ever. */
export interface OldCount {
  readonly type: string
  readonly count: number | undefined
}

/** What the purge would delete, in its order; deletes nothing (OP-79). */
export async function countOld({
  config,
  clock,
  database,
}: Pick<AppContext, 'config' | 'clock' | 'database'>): Promise<OldCount[]> {
  const counts: OldCount[] = []
  for (const { type, retentionMs, old } of PURGED) {
    const retention = await retentionMs({ config, database })
    const before = new Date(clock.now().getTime() - retention)
    counts.push({ type, count: retention === 0 ? undefined : await old.countOld(actor, database.db, before) })
  }
  return counts
}
