import { useMutation } from '@tanstack/react-query'

import { issueOidcToken } from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { OnceShown } from './once-shown.tsx'

/** The viewer's own token of the identity provider, for scripts (L-36); whether there are any only asking for one tells. */
export function OidcTokenSection() {
  const online = useOnline()
  const get = useMutation({
    mutationFn: () => api.call(issueOidcToken, { params: { user: 'me' } }),
    gcTime: 0,
  })
  if (statusOf(get.error) === 403)
    return <Notice tone="info" title="This deployment does not hand out tokens of its identity provider" />
  return (
    <Section
      title="Token of the identity provider"
      help="For scripts that call services which trust the same provider. It acts as you, and expires by itself."
    >
      <div className="flex flex-col gap-5">
        <ErrorNotice error={get.error} title="There is no token" />
        {get.data === undefined ? null : (
          <>
            <OnceShown label="Access token" secret={get.data.access_token} />
            <p className="text-ink-2 text-sm">
              Ends <TimeAgo time={get.data.expires_at} />.
            </p>
          </>
        )}
        <div className="flex justify-end">
          <Button busy={get.isPending} disabled={!online} onClick={() => get.mutate()}>
            {get.data === undefined ? 'Get a token' : 'Get a fresh token'}
          </Button>
        </div>
      </div>
    </Section>
  )
}
