import { useMutation, useQuery } from '@tanstack/react-query'

import { queries } from '../api/client.ts'
import { buildInfoQuery } from '../session/queries.ts'
import { useUser } from '../session/session.tsx'
import { type PushState, readPushState, testPush, turnPushOff, turnPushOn } from './browser-push.ts'

const KEY = ['push-state'] as const

/** What this browser does with push messages; undefined while that is found out, and where the deployment sends none. */
export function usePushState(): PushState | undefined {
  const { id } = useUser()
  const publicKey = useQuery(buildInfoQuery).data?.webpush_public_key
  return useQuery({
    queryKey: [...KEY, id, publicKey],
    queryFn: () => readPushState(id, publicKey ?? ''),
    enabled: publicKey !== undefined,
    // The viewer changes permissions elsewhere and comes back.
    refetchOnWindowFocus: 'always',
    retry: false,
  }).data
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
