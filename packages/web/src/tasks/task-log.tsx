import { useQuery } from '@tanstack/react-query'
import { CirclePause } from 'lucide-react'
import { useEffect, useRef } from 'react'

import type { Task, TaskLogEntry } from '@slipway/contract'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { exactTime, TimeAgo } from '../ui/time-ago.tsx'
import { taskLogsQuery } from './queries.ts'

/** Nearer to the end than this, in pixels, the viewer reads along. */
const NEAR = 160

/** What was said in the task: live while it runs, else as it was when its last words were kept (WS-259). */
export function TaskLog({ task }: { readonly task: Task }) {
  const logs = useQuery(taskLogsQuery(task))
  const end = useRef<HTMLDivElement>(null)
  const entries = withoutPrompt(logs.data?.logs ?? [], task.initial_prompt)
  const last = entries.at(-1)
  useReadingAlong(end, `${entries.length} ${last?.content.length ?? 0}`)
  if (logs.data === undefined)
    return logs.isError ? (
      <ErrorNotice
        error={logs.error}
        title="What was said could not be read"
        onRetry={() => void logs.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="flex flex-col gap-3" aria-busy="true">
          <div className="skeleton h-4 w-2/3" />
          <div className="skeleton h-4 w-5/6" />
          <div className="skeleton h-4 w-1/2" />
        </div>
      </AfterDelay>
    )
  const { snapshot, snapshot_at: at } = logs.data
  return (
    <div className="flex flex-col gap-4">
      {logs.isError ? (
        <ErrorNotice
          error={logs.error}
          title="What was said since is not known"
          onRetry={() => void logs.refetch()}
        />
      ) : null}
      <ol aria-label="Conversation" className="flex flex-col gap-4">
        {entries.map((entry) => (
          <li key={entry.id}>
            <Entry entry={entry} />
          </li>
        ))}
      </ol>
      {snapshot === true || task.status === 'paused' ? (
        <p className="flex items-center gap-2 border-t border-line pt-3 text-sm text-ink-2">
          <CirclePause className="size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
          <span>
            {entries.length === 0 ? (
              'The task is paused. Nothing of its conversation was kept.'
            ) : (
              <>
                The task is paused. This is how it was{' '}
                {at === undefined ? 'when it stopped' : <TimeAgo time={at} />}.
              </>
            )}
          </span>
        </p>
      ) : entries.length === 0 ? (
        <p className="text-sm text-ink-2">Nothing was said yet.</p>
      ) : null}
      <div ref={end} />
    </div>
  )
}

/** Programs repeat the prompt as what they were told first; it stands above already. */
function withoutPrompt(entries: readonly TaskLogEntry[], prompt: string): readonly TaskLogEntry[] {
  const at = entries.findIndex(({ type }) => type === 'input')
  return entries[at]?.content.trim() === prompt.trim() ? entries.filter((_, index) => index !== at) : entries
}

/** The model's words are plain text of a terminal, and keep their lines; the viewer's sit in a wash. */
function Entry({ entry: { content, type, time } }: { readonly entry: TaskLogEntry }) {
  if (type === 'input')
    return (
      <div
        className="ml-auto w-fit max-w-[88%] rounded-card bg-accent-wash px-3.5 py-2.5"
        title={exactTime(time)}
      >
        <span className="sr-only">You: </span>
        <p className="whitespace-pre-wrap text-base leading-relaxed [overflow-wrap:anywhere]">
          <bdi>{content}</bdi>
        </p>
      </div>
    )
  return (
    <div
      title={exactTime(time)}
      className="whitespace-pre-wrap font-mono text-[12.5px] leading-relaxed [overflow-wrap:anywhere]"
    >
      <span className="sr-only">Agent: </span>
      <bdi>{content.trimEnd()}</bdi>
    </div>
  )
}

/** Keeps the end in sight for whoever is there; whoever reads further up stays there. */
function useReadingAlong(end: React.RefObject<HTMLDivElement | null>, state: string): void {
  const first = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: more text is when the end moves
  useEffect(() => {
    const scroller = end.current?.closest('.overflow-y-auto')
    if (!(scroller instanceof HTMLElement)) return
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight
    // The new text has made it longer already.
    if (first.current || left < NEAR + scroller.clientHeight / 2) scroller.scrollTop = scroller.scrollHeight
    first.current = false
  }, [state])
}
