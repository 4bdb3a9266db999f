import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { type AIProvider, updateAIProvider } from '@slipway/contract'
import { api } from '../api/client.ts'
import { modelConfigsQuery } from '../chats/queries.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { whatStops } from './provider-words.ts'
import { refreshProviders } from './queries.ts'

/** Turns a provider on, or off once it was said what stops with it. */
export function useTurnProvider(): {
  readonly turn: (provider: AIProvider) => void
  readonly pending: boolean
  readonly question: ReactNode
} {
  const [asking, setAsking] = useState<AIProvider>()
  const models = useQuery({ ...modelConfigsQuery, enabled: asking !== undefined })
  const save = useMutation({
    mutationFn: ({ id, enabled }: AIProvider) =>
      api.call(updateAIProvider, { params: { idOrName: id }, body: { enabled: !enabled } }),
    onSuccess: async () => {
      setAsking(undefined)
      await refreshProviders()
    },
    onError: (error, { display_name: name, enabled }) =>
      enabled ? undefined : toasts.failed(`${name} was not turned on`, error),
  })
  return {
    turn: (provider) => {
      save.reset()
      if (provider.enabled) setAsking(provider)
      else save.mutate(provider)
    },
    pending: save.isPending,
    question:
      asking === undefined ? null : (
        <ConfirmDialog
          open
          onClose={() => setAsking(undefined)}
          title={`Turn ${asking.display_name} off?`}
          description={`${whatStops(asking, models.data)} Chats that use one fail at their next turn until it is back on.`}
          verb="Turn off"
          busy={save.isPending}
          error={save.error}
          onConfirm={() => save.mutate(asking)}
        />
      ),
  }
}
