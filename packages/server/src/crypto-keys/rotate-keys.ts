import { randomBytes } from 'node:crypto'

import { systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { ROTATED, type RotatedFeature } from './features.ts'
import {
  deleteFeatureKey,
  endFeatureKey,
  insertFeatureKey,
  listFeatureKeys,
  tryRotationLock,
} from './store.ts'

const actor = systemActor('crypto_key_rotator', 'keys are replaced before they are old')

const HOUR_MS = 3_600_000
const LIFE_MS = 30 * 24 * HOUR_MS
/** A successor is known to all replicas before it signs. */
const NOTICE_MS = HOUR_MS / 2

/** What replacing keys needs. */
export type RotationContext = Pick<AppContext, 'database' | 'clock' | 'secrets'>

/** Removes keys whose time is over, and makes those that are lacking (OP-74). */
export async function rotateKeys(context: RotationContext): Promise<void> {
  const features = Object.keys(ROTATED).filter(isRotated)
  await context.database.transaction(
    async (tx) => {
      if (!(await tryRotationLock(actor, tx))) return
      for (const feature of features) await rotateFeature(context, tx, feature)
    },
    { isolation: 'repeatable read' },
  )
}

async function rotateFeature(context: RotationContext, tx: Db, feature: RotatedFeature): Promise<void> {
  const { bytes, tokenMs } = ROTATED[feature]
  const { keySealer } = context.secrets
  const now = context.clock.now().getTime()
  const keys = await listFeatureKeys(actor, tx, feature, keySealer)
  for (const { sequence, deletesAt } of keys)
    if (deletesAt !== null && deletesAt.getTime() <= now) await deleteFeatureKey(actor, tx, feature, sequence)
  const newest = keys.at(-1)
  const usable = newest !== undefined && (newest.deletesAt === null || newest.deletesAt.getTime() > now)
  const make = (startsAt: number): Promise<void> =>
    insertFeatureKey(
      actor,
      tx,
      feature,
      {
        sequence: (newest?.sequence ?? 0) + 1,
        secret: randomBytes(bytes),
        startsAt: new Date(startsAt),
        deletesAt: null,
      },
      keySealer,
    )
  if (!usable) return make(now)
  const end = newest.startsAt.getTime() + LIFE_MS
  if (newest.deletesAt !== null || end - now > HOUR_MS) return
  const startsAt = Math.max(end, now + NOTICE_MS)
  await make(startsAt)
  await endFeatureKey(actor, tx, feature, newest.sequence, new Date(startsAt + HOUR_MS + tokenMs))
}

function isRotated(feature: string): feature is RotatedFeature {
  return Object.hasOwn(ROTATED, feature)
}
