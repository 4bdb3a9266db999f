import { useMutation, useQuery } from '@tanstack/react-query'

import { queries } from '../api/client.ts'
import { buildInfoQuery } from '../session/queries.ts'
import { useUser } from '../session/session.tsx'
import { type PushState, readPushState, testPush, turnPushOff, turnPushOn } from './browser-push.ts'
import { within } from './within.ts'

const KEY = ['push-state'] as const

/** How long a browser may take to say what it has, in milliseconds; one that does not say has nothing. */
const PATIENCE_MS = 3000

/** What this browser does with push messages; undefined while that is found out, and where the deployment sends none. */
export function usePushState(): PushState | undefined {
  return usePush().state
}

/** The same, and whether it is found out: what stands below waits for that, so that nothing pushes it down. */
export function usePush(): { readonly state: PushState | undefined; readonly known: boolean } {
  const { id } = useUser()
  const build = useQuery(buildInfoQuery)
  const publicKey = build.data?.webpush_public_key
  const state = useQuery({
    queryKey: [...KEY, id, publicKey],
    queryFn: async () =>
      (await within(PATIENCE_MS, readPushState(id, publicKey ?? ''))) ?? ('unsupported' as const),
    enabled: publicKey !== undefined,
    // The viewer changes permissions elsewhere and comes back.
    refetchOnWindowFocus: 'always',
    retry: false,
  })
  return {
    state: state.data,
    known: publicKey === undefined ? !build.isPending : !state.isPending,
  }
}

/** What can be done about it. */
export function usePushChanges() {
  const { id } = useUser()
  const onSettled = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: KEY }),
      // Keys may have been replaced since the page was loaded.
      queries.refetchQueries({ queryKey: buildInfoQuery.queryKey }),
    ])
  return {
    turnOn: useMutation({ mutationFn: () => turnPushOn(id), onSettled }),
    turnOff: useMutation({ mutationFn: turnPushOff, onSettled }),
    test: useMutation({ mutationFn: testPush, onSettled }),
  }
}
