import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { getGitSshKey, regenerateGitSshKey } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { CopyableCode } from '../ui/copyable.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'

const KEY = ['git-ssh-key']

/** `/settings/ssh-keys`: the key with which workspaces reach git servers (UI-1501). */
export function SshKeysPage() {
  const online = useOnline()
  const key = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => api.call(getGitSshKey, { params: { user: 'me' }, signal }),
  })
  const [asking, setAsking] = useState(false)
  const regenerate = useMutation({
    mutationFn: () => api.call(regenerateGitSshKey, { params: { user: 'me' } }),
    onSuccess: (made) => {
      queries.setQueryData(KEY, made)
      setAsking(false)
      toasts.done('A new SSH key was created')
    },
  })
  return (
    <Section
      title="Public SSH key"
      help="Add it to your Git server: your workspaces pull and push with it over SSH. The private key stays with Slipway."
    >
      <div className="flex flex-col gap-4">
        <ErrorNotice error={key.error} title="The key could not be read" onRetry={() => void key.refetch()} />
        {key.data === undefined ? (
          key.isError ? null : (
            <AfterDelay>
              <div className="skeleton h-9" />
            </AfterDelay>
          )
        ) : (
          <>
            <CopyableCode code={key.data.public_key.trim()} label="Copy the public key" />
            <div className="flex flex-wrap items-center justify-between gap-3">
              <p className="text-sm text-ink-2">
                Made <TimeAgo time={key.data.updated_at} />
              </p>
              <Button onClick={() => setAsking(true)} disabled={!online}>
                Create a new key
              </Button>
            </div>
          </>
        )}
      </div>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title="Create a new SSH key?"
        description="The current one stops working: Git servers refuse your workspaces until you give them the new one. Running workspaces use it from now on."
        verb="Create a new key"
        danger
        busy={regenerate.isPending}
        error={regenerate.error}
        onConfirm={() => regenerate.mutate()}
      />
    </Section>
  )
}
