import { useMutation } from '@tanstack/react-query'

import { createSessionKey } from '@slipway/contract'
import { api } from '../api/client.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { StandAlonePage } from '../session/stand-alone-page.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { OnceShown } from './once-shown.tsx'

/** `/cli-auth`: a key for a command line, minted by a click and never by opening the page (UI-603). */
export function CliAuthPage() {
  const user = useUser()
  const mint = useMutation({ mutationFn: () => api.call(createSessionKey, { params: { user: 'me' } }) })
  return (
    <StandAlonePage
      title="Sign in to the command line"
      context={`Create a token that gives the command line full access to your account, ${user.username}.`}
    >
      <div className="flex flex-col gap-5">
        <ErrorNotice error={mint.error} title="No token was created" />
        {mint.data === undefined ? (
          <Button tone="primary" busy={mint.isPending} onClick={() => mint.mutate()}>
            Create a token
          </Button>
        ) : (
          <>
            <OnceShown label="Session token" secret={mint.data.key} />
            <p className="text-sm text-ink-2">
              Copy it, paste it where the command line asks for it, then close this page.
            </p>
          </>
        )}
        <AppLink href={paths.workspaces()} className="link text-sm">
          Go to the dashboard
        </AppLink>
      </div>
    </StandAlonePage>
  )
}
