import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, ExternalLink, FlaskConical } from 'lucide-react'
import type { ReactNode } from 'react'

import type { IdentityProvider, ProviderTest } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { Detail, DetailList } from '../ui/detail.tsx'
import { ErrorNotice, ErrorPage } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { ClaimsViewer } from './claims-viewer.tsx'
import { identityProviderQuery, providerTestQuery } from './queries.ts'
import { SyncOutcome } from './sync-outcome.tsx'
import { useTestSignIn } from './use-test-sign-in.ts'

/** A test sign-in: opens the provider, and shows what it said and what a real sign-in would have done (L-29). */
export function ProviderTestPage() {
  const id = useRouteParam('provider')
  const testId = useRouteParam('test')
  const mayEdit = usePermissions()?.editDeploymentConfig
  const provider = useQuery({ ...identityProviderQuery(id), enabled: mayEdit === true })
  const test = useQuery({ ...providerTestQuery(id, testId), enabled: mayEdit === true })
  if (mayEdit === false)
    return <NoPermission what="test identity providers" permission="editDeploymentConfig" />
  if (statusOf(provider.error) === 404) return <ErrorPage title={`There is no provider ${id}`} />
  if (statusOf(test.error) === 404)
    return (
      <ErrorPage title="This test is over">
        Tests are kept for a quarter of an hour, and only for whoever began them.{' '}
        <AppLink className="link" href={paths.identityProvider(id)}>
          Begin another one
        </AppLink>
      </ErrorPage>
    )
  const failed = provider.error ?? (test.data === undefined ? test.error : null)
  if (failed !== null)
    return (
      <ErrorPage
        title="The test could not be read"
        error={failed}
        onRetry={() => {
          void provider.refetch()
          void test.refetch()
        }}
      />
    )
  if (provider.data === undefined || test.data === undefined) return <PageSkeleton />
  return <Result provider={provider.data} test={test.data} error={test.error} />
}

function Result({
  provider,
  test,
  error,
}: {
  readonly provider: IdentityProvider
  readonly test: ProviderTest
  readonly error: unknown
}) {
  const again = useTestSignIn(provider)
  const name = provider.display_name || provider.id
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs
          above={[
            { label: 'Deployment', href: paths.deployment('overview') },
            { label: 'Sign-in', href: paths.deployment('userauth') },
            { label: name, href: paths.identityProvider(provider.id) },
          ]}
          here="Test sign-in"
        />
      </div>
      <PageHeader
        title="Test sign-in"
        documentTitle={`Test sign-in - ${name}`}
        context={
          <>
            at {name}, begun <TimeAgo time={test.created_at} />. No account is changed by it.
          </>
        }
        actions={
          test.state === 'pending' ? null : (
            <Button
              busy={again.isPending}
              onClick={() => again.mutate()}
              icon={<FlaskConical className="size-4" strokeWidth={1.75} />}
            >
              Test again
            </Button>
          )
        }
      />
      <div className="flex flex-col gap-4">
        <ErrorNotice error={error} title="The test could not be read" />
        {test.state === 'pending' ? (
          <Pending test={test} name={name} provider={provider} />
        ) : (
          <Verdict test={test} />
        )}
        {test.linking === undefined || test.profile === undefined ? null : (
          <Person profile={test.profile} linking={test.linking} />
        )}
        {test.sync === undefined ? null : <SyncOutcome sync={test.sync} />}
        {test.claims === undefined ? null : <ClaimsViewer claims={test.claims} kind={provider.kind} />}
      </div>
    </Page>
  )
}

function Pending({
  test,
  name,
  provider,
}: {
  readonly test: ProviderTest
  readonly name: string
  readonly provider: IdentityProvider
}) {
  return (
    <Section title="Sign in at the provider">
      <div className="flex flex-col items-start gap-4">
        <p className="text-sm text-ink-2">
          {name} opens in another tab. Sign in there as the person whose sign-in you want to see, yourself for
          example. This page shows what comes back.
        </p>
        <div className="flex flex-wrap items-center gap-3">
          {test.url === undefined ? null : (
            <a
              href={withReturn(test.url, paths.identityProviderTest(provider.id, test.id))}
              target="_blank"
              rel="noreferrer"
              className={buttonClass({ tone: 'primary' })}
            >
              Open {name} <ExternalLink className="size-3.5" aria-hidden="true" />
            </a>
          )}
          <span role="status" className="inline-flex items-center gap-2 text-sm text-ink-2">
            <Spinner />
            <span>
              Waiting for an answer; the test ends <TimeAgo time={test.expires_at} />
            </span>
          </span>
        </div>
      </div>
    </Section>
  )
}

/** The address of the test, coming back to `to` afterwards. */
function withReturn(url: string, to: string): string {
  const address = new URL(url, location.origin)
  address.searchParams.set('redirect', to)
  return address.href
}

function Verdict({ test }: { readonly test: ProviderTest }) {
  if (test.failure !== undefined)
    return (
      <Notice tone="bad" title={`The sign-in would fail: ${test.failure.message}`}>
        {test.failure.detail}
        <span className="block">Answer {test.failure.status}</span>
      </Notice>
    )
  const refused = test.linking?.outcome === 'refused' || (test.sync?.refusal ?? '') !== ''
  return refused ? (
    <Notice tone="warn" title="The provider works, but this person would be refused">
      {test.sync?.refusal !== undefined && test.sync.refusal !== ''
        ? test.sync.refusal
        : test.linking?.detail}
    </Notice>
  ) : (
    <Notice tone="ok" title="This person would be signed in">
      {test.linking?.detail}
    </Notice>
  )
}

const OUTCOMES = {
  linked: 'signs in to the linked account',
  link_by_email: 'is linked to the account with this address',
  sign_up: 'gets a new account',
  refused: 'is refused',
} as const

function Person({
  profile,
  linking,
}: {
  readonly profile: NonNullable<ProviderTest['profile']>
  readonly linking: NonNullable<ProviderTest['linking']>
}) {
  return (
    <Section title="Who this would be here">
      <DetailList>
        <Detail label="What happens">
          <span className="inline-flex items-center gap-1.5">
            {linking.outcome === 'refused' ? (
              <CircleX className="size-3.5 text-bad" aria-hidden="true" />
            ) : (
              <CircleCheck className="size-3.5 text-ok" aria-hidden="true" />
            )}
            {OUTCOMES[linking.outcome]}
          </span>
        </Detail>
        {linking.username === undefined ? null : (
          <Detail label="Account">
            <AppLink className="link" href={paths.user(linking.username)}>
              {linking.username}
            </AppLink>
          </Detail>
        )}
        <Detail label="Username">{orNothing(profile.username)}</Detail>
        <Detail label="Name">{orNothing(profile.name)}</Detail>
        <Detail label="Email">
          {orNothing(profile.email)}
          {profile.email === '' ? null : (
            <span className="text-ink-2">{profile.email_verified ? ', verified' : ', not verified'}</span>
          )}
        </Detail>
        <Detail label="Id at the provider">
          <code>{profile.linked_id}</code>
        </Detail>
      </DetailList>
    </Section>
  )
}

function orNothing(text: string): ReactNode {
  return text === '' ? <span className="text-ink-3">none</span> : text
}
