import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'

import tar from 'tar-stream'

import * as contract from '@slipway/contract'
import { authorize } from '../authz/index.ts'
import { parseDuration } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionRequest } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { commandLine, NO_SYMBOLS, pprofIndex } from './plain-answers.ts'
import {
  collectProfiles,
  isProfileKind,
  MAX_SECONDS,
  PROFILE_KINDS,
  type ProfileKind,
  secondsToTake,
} from './profiler.ts'

const DEBUG_INFO = { type: 'debug_info' } as const
const DEFAULT_DURATION = '10s'
const DEFAULT_KINDS = 'cpu,heap,allocs,block,mutex,goroutine'
const OCTETS = 'application/octet-stream'

/** Profiles of this replica, for those who may read what helps to debug it (OP-90…OP-93). */
export function profilingRoutes(context: AppContext): BoundRoute[] {
  const one = async (
    { actor, raw, reply }: SessionRequest,
    kind: ProfileKind,
    seconds = secondsToTake(kind),
  ): Promise<undefined> => {
    authorize(actor, 'read', DEBUG_INFO)
    const profiles = await collectProfiles([kind], seconds, whileConnected(raw))
    await reply
      .type(OCTETS)
      .header('Content-Disposition', `attachment; filename="${kind}.pb.gz"`)
      .send(profiles.get(kind))
    return undefined
  }
  return [
    forSession(contract.getPprofIndex, async ({ actor, reply }) => {
      authorize(actor, 'read', DEBUG_INFO)
      await reply.type('text/plain; charset=utf-8').send(pprofIndex())
      return undefined
    }),
    forSession(contract.getPprofCommandLine, async ({ actor, reply }) => {
      authorize(actor, 'read', DEBUG_INFO)
      await reply.type('text/plain; charset=utf-8').send(commandLine())
      return undefined
    }),
    forSession(contract.getPprofSymbol, async ({ actor, reply }) => {
      authorize(actor, 'read', DEBUG_INFO)
      await reply.type('text/plain; charset=utf-8').send(NO_SYMBOLS)
      return undefined
    }),
    forSession(contract.getPprofProfile, (incoming) => one(incoming, 'cpu', incoming.query.seconds)),
    forSession(contract.getPprofTrace, (incoming) => one(incoming, 'trace', incoming.query.seconds)),
    forSession(contract.getPprofOther, async (incoming) => {
      authorize(incoming.actor, 'read', DEBUG_INFO)
      const kind = incoming.params.profile ?? ''
      if (!isProfileKind(kind)) throw notFound()
      return one(incoming, kind, incoming.query.seconds)
    }),
    forSession(contract.collectProfiles, async ({ actor, query, raw, reply }) => {
      authorize(actor, 'read', DEBUG_INFO)
      const seconds = secondsOf(query.duration ?? DEFAULT_DURATION)
      const profiles = await collectProfiles(
        kindsOf(query.profiles ?? DEFAULT_KINDS),
        seconds,
        whileConnected(raw),
      )
      const name = `coderd-profile-${Math.floor(context.clock.now().getTime() / 1000)}.tar.gz`
      await reply
        .type('application/gzip')
        .header('Content-Disposition', `attachment; filename="${name}"`)
        .send(await packed(profiles))
      return undefined
    }),
  ]
}

function whileConnected({ raw }: SessionRequest['raw']): AbortSignal {
  const left = new AbortController()
  raw.socket.once('close', () => left.abort())
  return left.signal
}

function secondsOf(duration: string): number {
  const seconds = (parseDuration(duration) ?? 0) / 1000
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds
  throw badRequest('Query parameters have invalid values.', {
    validations: [
      { field: 'duration', detail: `must be a duration above 0 and up to ${MAX_SECONDS}s, such as 10s` },
    ],
  })
}

function kindsOf(list: string): ProfileKind[] {
  const names = [...new Set(list.split(',').map((name) => name.trim()))]
  const kinds = names.filter(isProfileKind)
  if (kinds.length === names.length) return kinds
  throw badRequest('Query parameters have invalid values.', {
    validations: [{ field: 'profiles', detail: `must be of ${PROFILE_KINDS.join(', ')}` }],
  })
}

async function packed(profiles: ReadonlyMap<ProfileKind, Buffer>): Promise<Buffer> {
  const pack = tar.pack()
  for (const [kind, data] of profiles)
    pack.entry({ name: kind === 'trace' ? 'trace.out' : `${kind}.prof` }, data)
  pack.finalize()
  return buffer(pack.pipe(createGzip()))
}
