import { createHash } from 'node:crypto'

import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { recorder } from './record.ts'
import { type ChainLink, storeLinks, takeUnchained, type UnchainedEntry } from './store/chain.ts'

const PAUSE_MS = 60_000
const BATCH = 1_000
/** What the first link has in the place of the hash before. */
export const NO_HASH: Buffer = Buffer.alloc(32)

/**
 * Makes the links of entries that were written lately, on one replica at a time (RB-131). The newest hash goes to the
 * service log, so that whoever keeps that elsewhere can tell later whether the chain was made anew.
 */
export function auditChainJob(context: Pick<AppContext, 'database' | 'log'>): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'audit-chain',
    pauseMs: PAUSE_MS,
    failure: 'the chain of the audit log could not be continued',
    round: async (closing) => {
      while (!closing.aborted && (await extendChain(context)) === BATCH);
    },
  })
}

/** Makes the next links. @returns how many entries wait for none any more; 0 while another replica is at it. */
export async function extendChain({ database, log }: Pick<AppContext, 'database' | 'log'>): Promise<number> {
  const { taken, newest } = await database.transaction(async (tx) => {
    const unchained = await takeUnchained(recorder, tx, BATCH)
    if (unchained === undefined) return { taken: 0, newest: undefined }
    const links = linksOf(unchained.entries, unchained.last)
    await storeLinks(recorder, tx, links)
    return { taken: unchained.taken, newest: links.at(-1) }
  })
  if (newest !== undefined)
    log.info('audit_chain', { sequence: newest.sequence, hash: newest.hash.toString('hex') })
  return taken
}

function linksOf(
  entries: readonly UnchainedEntry[],
  last: Pick<ChainLink, 'sequence' | 'hash'> | undefined,
): ChainLink[] {
  let { sequence, hash } = last ?? { sequence: 0, hash: NO_HASH }
  return entries.map(({ id, time, digest }) => {
    const previous = hash
    sequence += 1
    const link = { sequence, audit_log_id: id, time, digest }
    hash = hashOfLink(previous, link)
    return { ...link, previous, hash }
  })
}

/**
 * The hash of a link over the one before and all that it says of its entry, the time too: by that an entry counts as
 * purged once it is gone.
 */
export function hashOfLink(previous: Buffer, link: Omit<ChainLink, 'previous' | 'hash'>): Buffer {
  const { sequence, audit_log_id: id, time, digest } = link
  return createHash('sha256')
    .update(previous)
    .update(`${sequence} ${id} ${time.toISOString()} `)
    .update(digest)
    .digest()
}
