import { githubCallback, githubDevice, providerGithubCallback, providerGithubDevice } from '@slipway/contract'
import { api } from '../api/client.ts'
import { localPath } from '../api/local-path.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { DeviceCode } from './device-code.tsx'
import { StandAlonePage } from './stand-alone-page.tsx'
import { useDeviceFlow } from './use-device-flow.ts'

/** `/login/device`: signs in at GitHub with a code that is typed there (UI-604, ID-174). */
export function DeviceLoginPage() {
  const [search] = useAddress()
  const { state, provider } = search
  if (state === undefined)
    return (
      <StandAlonePage title="Sign in with a code">
        <div className="flex flex-col items-start gap-5">
          <Notice tone="warn" title="This page was opened without a sign-in">
            It shows the code for signing in with GitHub. Start on the sign-in page.
          </Notice>
          <AppLink href={paths.signIn()} className={buttonClass({ tone: 'primary' })}>
            Go to the sign-in page
          </AppLink>
        </div>
      </StandAlonePage>
    )
  return (
    <StandAlonePage
      title="Sign in with GitHub"
      context="Enter this code at GitHub. This page continues by itself."
    >
      <div className="flex flex-col gap-6">
        <Flow state={state} provider={provider} />
        <AppLink href={paths.signIn()} className="link text-sm">
          Back to sign-in
        </AppLink>
      </div>
    </StandAlonePage>
  )
}

function Flow({ state, provider }: { readonly state: string; readonly provider: string | undefined }) {
  const params = { identityprovider: provider ?? '' }
  const { flow, restart } = useDeviceFlow({
    start: (signal) =>
      provider === undefined
        ? api.call(githubDevice, { signal })
        : api.call(providerGithubDevice, { params, signal }),
    poll: (code, signal) => {
      const query = { code, state }
      return provider === undefined
        ? api.call(githubCallback, { query, signal })
        : api.call(providerGithubCallback, { params, query, signal })
    },
    // A full navigation: the shell is rendered again for the new identity (UI-104).
    onDone: (answer) => location.assign(localPath(redirectOf(answer), location.origin)),
  })
  return <DeviceCode flow={flow} provider="GitHub" onRestart={restart} />
}

function redirectOf(answer: unknown): string | undefined {
  return typeof answer === 'object' &&
    answer !== null &&
    'redirect_url' in answer &&
    typeof answer.redirect_url === 'string'
    ? answer.redirect_url
    : undefined
}
