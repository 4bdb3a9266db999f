import { useMutation } from '@tanstack/react-query'
import { CircleAlert, CircleCheck } from 'lucide-react'

import { type AIProvider, testAIProvider } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { problemsOf } from './provider-words.ts'
import { refreshProviders } from './queries.ts'

/** A cheap request with each key: who answers, how fast, and what is wrong (AG-B18). */
export function ProviderTest({ provider }: { readonly provider: AIProvider }) {
  const online = useOnline()
  const test = useMutation({
    mutationFn: () => api.call(testAIProvider, { params: { idOrName: provider.id } }),
    onSuccess: refreshProviders,
  })
  const last = provider.last_check
  const results = test.data?.results
  return (
    <Section
      title="Connection"
      help={
        last === null ? (
          'Not tested yet'
        ) : (
          <>
            {last.ok ? 'Worked' : 'Failed'} <TimeAgo time={last.checked_at} />
          </>
        )
      }
      actions={
        <Button size="dense" busy={test.isPending} disabled={!online} onClick={() => test.mutate()}>
          Test now
        </Button>
      }
    >
      <div className="flex flex-col gap-3">
        <ErrorNotice error={test.error} title="The provider was not tested" />
        {provider.status === 'error' && provider.status_detail !== '' ? (
          <Notice tone="bad" title="It cannot be used">
            {provider.status_detail}
          </Notice>
        ) : null}
        {results === undefined ? <Problems provider={provider} /> : null}
        {results === undefined ? (
          last !== null && !last.ok && last.error !== '' && last.error !== provider.status_detail ? (
            <p className="text-sm text-bad">{last.error}</p>
          ) : last?.ok === true ? (
            <p className="flex items-center gap-2 text-sm">
              <CircleCheck className="size-4 text-ok" aria-hidden="true" /> The provider answers.
            </p>
          ) : provider.status === 'error' ? null : (
            <p className="text-sm text-ink-2">A test sends one small request with each key.</p>
          )
        ) : (
          <ul aria-label="Results of the test" className="flex flex-col gap-2">
            {results.map((result) => (
              <li key={result.key_id ?? 'none'} className="flex items-start gap-2 text-sm">
                {result.ok ? (
                  <CircleCheck className="mt-0.5 size-4 shrink-0 text-ok" aria-label="Works" />
                ) : (
                  <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-label="Fails" />
                )}
                <span className="min-w-0 flex-1">
                  <code>{result.masked === '' ? 'Without a key' : result.masked}</code>
                  <span className={result.ok ? 'text-ink-2' : 'text-bad'}>
                    {result.ok
                      ? ` answered in ${result.latency_ms.toLocaleString('en-US')} ms`
                      : ` ${result.error}${result.status_code === 0 ? '' : ` (${result.status_code})`}`}
                  </span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Section>
  )
}

/** What requests have found since; it goes when they find it right again. */
function Problems({ provider }: { readonly provider: AIProvider }) {
  const problems = problemsOf(provider)
  if (problems.length === 0) return null
  return (
    <ul aria-label="What requests have found" className="flex flex-col gap-2">
      {problems.map(({ text, since }) => (
        <li key={text} className="flex items-start gap-2 text-sm">
          <CircleAlert className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden="true" />
          <span className="min-w-0 flex-1 break-words">
            {text}{' '}
            <span className="text-ink-2">
              (<TimeAgo time={since} />)
            </span>
          </span>
        </li>
      ))}
    </ul>
  )
}
