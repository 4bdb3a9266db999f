import { useMutation } from '@tanstack/react-query'
import { WifiOff } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'

import type { Chat, ChatMessagePart, ChatStreamRetry } from '@slipway/contract'
import { Button } from '../ui/button.tsx'
import { formatDuration } from '../ui/duration.ts'
import { SafeLink } from '../ui/safe-link.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { toasts } from '../ui/toast.tsx'
import { isActive, useChatView, useConversation } from './conversation-context.ts'
import { retryReason, statusPage } from './failure-words.ts'
import { latestThought } from './reasoning-title.ts'
import { phaseOf, toolWords } from './tool-words.ts'

const TICK_MS = 1000
/** So long a lost connection is not worth a word. */
const GRACE_MS = 2000
/** Then the server goes on without the results (CH-1501). */
const ACTION_MS = 5 * 60_000

/** What goes on right now, in one line above the composer (UI-1131). */
export function StatusLine({ chat }: { readonly chat: Chat }) {
  const { session } = useConversation()
  const status = useChatView(session, (view) => view.chat.status)
  const retry = useChatView(session, (view) => view.chat.retry)
  const part = useChatView(session, (view) => lastPartKind(view.chat.preview.parts))
  const down = useChatView(session, (view) => view.link === 'down')
  const active = isActive(status)
  const since = useSince(active)
  const lost = useLate(down)
  if (lost)
    return (
      <Line icon={<WifiOff className="size-3.5 text-warn" aria-hidden="true" />}>
        Reconnecting. What you see may be old.
      </Line>
    )
  if (retry !== undefined && active) return <RetryLine retry={retry} />
  if (status === 'interrupting')
    return (
      <Line icon={<Spinner className="size-3.5" />} since={since}>
        Stopping
      </Line>
    )
  if (status === 'requires_action') return <ActionLine chat={chat} />
  if (status !== 'running') return <div className="h-2" />
  if (chat.queued_for_capacity === true && part === '')
    return (
      <Line icon={<Spinner className="size-3.5" />} since={since}>
        Waiting for capacity. You can stop it meanwhile.
      </Line>
    )
  return (
    <Line icon={<Spinner className="size-3.5 text-run" />} since={since}>
      {part === '' ? 'Working' : part}
    </Line>
  )
}

/** What the newest piece of an answer says about what goes on; a string, so that pieces of the same kind render nothing. */
function lastPartKind(parts: readonly ChatMessagePart[]): string {
  const last = parts.at(-1)
  switch (last?.type) {
    case undefined:
      return ''
    case 'reasoning':
      return latestThought(last.text ?? '') ?? 'Thinking'
    case 'text':
      return 'Writing'
    case 'tool-call':
    case 'tool-result': {
      const running = parts.findLast(
        (part) =>
          part.type === 'tool-call' &&
          !parts.some(
            ({ type, tool_call_id: id, result }) =>
              type === 'tool-result' && id === part.tool_call_id && result !== undefined,
          ),
      )
      if (running === undefined) return 'Working'
      const call = {
        id: running.tool_call_id ?? '',
        name: running.tool_name ?? '',
        call: running,
        result: undefined,
      }
      const words = toolWords(call, phaseOf(call, true))
      return words?.verb ?? 'Calling a tool'
    }
    default:
      return 'Working'
  }
}

function Line({
  icon,
  since,
  children,
}: {
  readonly icon: ReactNode
  readonly since?: number | undefined
  readonly children: ReactNode
}) {
  return (
    <div className="flex min-h-8 min-w-0 items-center gap-2 px-1 text-sm text-ink-2">
      {icon}
      <span className="min-w-0 truncate">{children}</span>
      {since === undefined ? null : <Elapsed since={since} />}
    </div>
  )
}

/** Seconds since the model began; a component of its own, so that a tick renders nothing else. */
function Elapsed({ since }: { readonly since: number }) {
  const now = useTick(true)
  return now - since < TICK_MS ? null : (
    <span className="shrink-0 text-xs text-ink-3 tabular-nums">
      {formatDuration(Math.floor((now - since) / 1000) * 1000)}
    </span>
  )
}

/** A tool of another client, which has so long to carry it out (UI-1139). */
function ActionLine({ chat }: { readonly chat: Chat }) {
  const { session } = useConversation()
  // The calls are stored in the moment in which the wait begins.
  const asked = useChatView(session, (view) => view.chat.messages.at(-1)?.created_at)
  const now = useTick(true)
  const left = asked === undefined ? undefined : Date.parse(asked) + ACTION_MS - now
  return (
    <Line icon={<Spinner className="size-3.5 text-warn" />}>
      Waiting for {chat.client_type === 'api' ? 'the program that started this chat' : 'another client'} to
      carry out a tool
      {left === undefined || left <= 0 || left > ACTION_MS ? null : (
        <span className="text-ink-3 tabular-nums">
          {' '}
          · {formatDuration(Math.floor(left / TICK_MS) * TICK_MS)} left
        </span>
      )}
    </Line>
  )
}

function RetryLine({ retry }: { readonly retry: ChatStreamRetry }) {
  const { session, canWrite } = useConversation()
  const now = useTick(true)
  const again = useMutation({
    mutationFn: () => session.retryNow(),
    onError: (error) => toasts.failed('The model was not called again', error),
  })
  const left = Math.max(0, Math.ceil((Date.parse(retry.retrying_at) - now) / 1000))
  const page = retry.kind === 'overloaded' ? statusPage(retry.provider) : undefined
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 px-1 py-1 text-sm text-ink-2">
      <Spinner className="size-3.5 text-warn" />
      <span className="min-w-0" title={retry.error}>
        {retryReason(retry.kind)}. {left === 0 ? 'Trying again' : `Again in ${left} s`}
        <span className="text-ink-3 tabular-nums"> · attempt {retry.attempt + 1}</span>
      </span>
      {page === undefined ? null : (
        <SafeLink href={page} text="Status of the provider">
          Status of the provider
        </SafeLink>
      )}
      {canWrite && left > 1 ? (
        <Button size="dense" busy={again.isPending} onClick={() => again.mutate()}>
          Retry now
        </Button>
      ) : null}
    </div>
  )
}

function useTick(running: boolean): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (!running) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [running])
  return now
}

/** When something began to be so; undefined while it is not. */
function useSince(so: boolean): number | undefined {
  const [since, setSince] = useState<number>()
  useEffect(() => setSince(so ? Date.now() : undefined), [so])
  return since
}

/** True once it has been so for a while. */
function useLate(so: boolean): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!so) {
      setLate(false)
      return
    }
    const timer = setTimeout(() => setLate(true), GRACE_MS)
    return () => clearTimeout(timer)
  }, [so])
  return so && late
}
