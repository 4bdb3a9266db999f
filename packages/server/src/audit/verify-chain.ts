import type { AppContext } from '../context.ts'
import { hashOfLink, NO_HASH } from './audit-chain.ts'
import { recorder } from './record.ts'
import { countStrangers, listLinks } from './store/chain.ts'

const PAGE = 2_000
/** Faults that are named one by one. */
const MAX_NAMED = 100

/** What became of the audit log (RB-131). */
export interface ChainReport {
  readonly links: number
  /** The newest link, to be kept elsewhere; undefined while there is none. */
  readonly head: ChainHead | undefined
  /** Entries that were deleted when their retention was over. */
  readonly purged: number
  /** What should not be, in words; the first hundred. */
  readonly faults: readonly string[]
  readonly faultCount: number
}

/** A link as it is kept elsewhere. */
export interface ChainHead {
  readonly sequence: number
  readonly hash: string
}

/**
 * Recomputes the whole chain of the audit log and holds the entries against it (RB-131).
 *
 * @param retentionMs how long entries are kept, in milliseconds; 0 is for ever.
 * @param known a link that was kept elsewhere: without it nobody can tell whether the whole chain was made anew.
 */
export async function verifyChain(
  { database, clock }: Pick<AppContext, 'database' | 'clock'>,
  retentionMs: number,
  known?: ChainHead | undefined,
): Promise<ChainReport> {
  const keptSince = retentionMs === 0 ? undefined : new Date(clock.now().getTime() - retentionMs)
  const faults: string[] = []
  let faultCount = 0
  const fault = (text: string): void => {
    faultCount += 1
    if (faults.length < MAX_NAMED) faults.push(text)
  }
  let links = 0
  let purged = 0
  let head: ChainHead | undefined
  let previous: { readonly sequence: number; readonly hash: Buffer } | undefined
  let knownIsThere = known === undefined
  for (;;) {
    const page = await listLinks(recorder, database.db, { after: previous?.sequence ?? 0, limit: PAGE })
    for (const link of page) {
      const { sequence, audit_log_id: id, hash } = link
      // Links before the first one went with their entries; only the very first has none before it.
      const before = previous?.hash ?? (sequence === 1 ? NO_HASH : link.previous)
      if (previous !== undefined && sequence !== previous.sequence + 1)
        fault(`links ${previous.sequence + 1} to ${sequence - 1} are gone`)
      if (previous === undefined && sequence > 1 && keptSince === undefined)
        fault(`links 1 to ${sequence - 1} are gone, although the audit log is kept for ever`)
      if (!hashOfLink(before, link).equals(hash)) fault(`link ${sequence} does not continue the chain`)
      if (link.present === null) {
        if (keptSince !== undefined && link.time < keptSince) purged += 1
        else fault(`entry ${id} of ${link.time.toISOString()} is gone`)
      } else if (!link.present.equals(link.digest)) fault(`entry ${id} was changed`)
      if (known?.sequence === sequence) {
        knownIsThere = true
        if (known.hash !== hash.toString('hex'))
          fault(`link ${sequence} is not the one that was kept elsewhere`)
      }
      links += 1
      previous = { sequence, hash }
      head = { sequence, hash: hash.toString('hex') }
    }
    if (page.length < PAGE) break
  }
  if (!knownIsThere) fault(`link ${known?.sequence}, which was kept elsewhere, is gone`)
  const strangers = await countStrangers(recorder, database.db)
  if (strangers > 0) fault(`${strangers} entries were put in past the chain`)
  return { links, head, purged, faults, faultCount }
}
