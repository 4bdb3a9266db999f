import { CircleCheck, ExternalLink } from 'lucide-react'
import { useEffect, useState } from 'react'

import { Button, buttonClass } from '../ui/button.tsx'
import { CopyButton } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { safeHref } from '../ui/safe-href.ts'
import { Spinner } from '../ui/spinner.tsx'
import type { DeviceFlow } from './use-device-flow.ts'

/** The code of a device flow, where to enter it, and how that goes (UI-604). */
export function DeviceCode({
  flow,
  provider,
  onRestart,
}: {
  readonly flow: DeviceFlow
  readonly provider: string
  readonly onRestart: () => void
}) {
  const again = (
    <Button size="dense" onClick={onRestart}>
      Get a new code
    </Button>
  )
  switch (flow.state) {
    case 'starting':
      return (
        <div role="status" className="flex h-32 items-center justify-center text-ink-3">
          <Spinner className="size-5" />
          <span className="sr-only">Getting a code</span>
        </div>
      )
    case 'waiting':
      return <Waiting flow={flow} provider={provider} />
    case 'done':
      return (
        <p role="status" className="flex items-center gap-2 text-sm text-ink-2">
          <CircleCheck className="size-4 text-ok" aria-hidden="true" /> {provider} has confirmed it.
        </p>
      )
    case 'expired':
      return (
        <Notice tone="warn" title="The code has expired" action={again}>
          Nobody entered it in time.
        </Notice>
      )
    case 'denied':
      return (
        <Notice tone="bad" title={`The request was refused at ${provider}`} action={again}>
          Somebody chose not to allow it there.
        </Notice>
      )
    case 'failed':
      return (
        <div className="flex flex-col items-start gap-3">
          <ErrorNotice error={flow.error} />
          <Button onClick={onRestart}>Get a new code</Button>
        </div>
      )
  }
}

function Waiting({
  flow: { codes, expiresAt },
  provider,
}: {
  readonly flow: Extract<DeviceFlow, { state: 'waiting' }>
  readonly provider: string
}) {
  return (
    <div className="flex flex-col gap-4">
      <div className="flex items-center justify-between gap-2 rounded-card border border-line bg-surface py-4 pl-4 pr-3">
        <code className="select-all break-all text-2xl font-medium tracking-[0.08em] text-ink">
          {codes.user_code}
        </code>
        <CopyButton text={codes.user_code} label="Copy the code" />
      </div>
      <a
        className={buttonClass({ tone: 'primary' })}
        href={safeHref(codes.verification_uri)}
        target="_blank"
        rel="noopener noreferrer"
      >
        Enter it at {hostOf(codes.verification_uri)} <ExternalLink className="size-3.5" aria-hidden="true" />
      </a>
      <p className="flex items-center gap-2 text-sm text-ink-2">
        <Spinner className="size-3.5" />
        <span>
          Waiting for {provider}. <Remaining until={expiresAt} />
        </span>
      </p>
    </div>
  )
}

/** Minutes, then seconds, until the code is over. */
function Remaining({ until }: { readonly until: number }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.max(0, Math.round((until - now) / 1000))
  return (
    <span className="tabular-nums">
      The code is good for {seconds > 90 ? `${Math.round(seconds / 60)} minutes` : `${seconds} seconds`}.
    </span>
  )
}

function hostOf(address: string): string {
  return URL.parse(address)?.host ?? address
}
