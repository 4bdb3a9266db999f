import { useMutation, useQuery } from '@tanstack/react-query'
import { ClipboardList } from 'lucide-react'

import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { chatFileTextQuery } from './chat-files.ts'
import { useConversation, useOpened } from './conversation-context.ts'
import type { ToolCall } from './rows.ts'
import { ModelText } from './text-row.tsx'
import { argsOf, errorOf, resultOf, text } from './tool-data.ts'

/** Longer plans are folded. */
const FOLD_AT = 2400

const GO = 'Implement the plan.'

/** A plan that the model proposes: read it, let it be carried out, or say what should change (UI-1137). */
export function PlanCard({
  call,
  live,
  newest,
}: {
  readonly call: ToolCall
  readonly live: boolean
  readonly newest: boolean
}) {
  const { canWrite, composer, say } = useConversation()
  const result = resultOf(call)
  const path = text(result, 'path') ?? text(argsOf(call), 'path')
  const file = text(result, 'file_id')
  const plan = useQuery({ ...chatFileTextQuery(file ?? ''), enabled: file !== undefined })
  const go = useMutation({ mutationFn: () => say(GO, { planMode: false }) })
  const [open, toggle] = useOpened(`plan:${call.id}`, false)
  const error = errorOf(call)
  const content = plan.data ?? text(result, 'content')
  const long = (content?.length ?? 0) > FOLD_AT
  return (
    <section
      aria-label="Proposed plan"
      className="my-1.5 overflow-hidden rounded-card border border-line-strong bg-surface"
    >
      <header className="flex min-h-9 items-center gap-2 border-b border-line pl-3 pr-1 text-sm">
        {live ? (
          <Spinner className="size-4 text-run" />
        ) : (
          <ClipboardList className="size-4 shrink-0 text-accent" strokeWidth={1.75} aria-hidden="true" />
        )}
        <h3 className="font-medium">
          {live ? 'Writing a plan' : error === undefined ? 'Proposed plan' : 'Could not propose the plan'}
        </h3>
        <span className="min-w-0 flex-1 truncate font-mono text-xs text-ink-3">
          <bdi>{path?.split('/').at(-1)}</bdi>
        </span>
        {content === undefined || content === null ? null : (
          <CopyButton text={content} label="Copy the plan" />
        )}
      </header>
      <div className="px-4 py-3">
        {error !== undefined ? (
          <p className="whitespace-pre-wrap text-sm text-bad">{error}</p>
        ) : content !== undefined && content !== null ? (
          <>
            <div
              className={
                long && !open
                  ? 'max-h-72 overflow-hidden [mask-image:linear-gradient(black_75%,transparent)]'
                  : undefined
              }
            >
              <ModelText text={content} live={false} />
            </div>
            {long ? (
              <Button size="dense" tone="quiet" className="mt-2" aria-expanded={open} onClick={toggle}>
                {open ? 'Show less' : 'Show the whole plan'}
              </Button>
            ) : null}
          </>
        ) : plan.data === null ? (
          <p className="text-sm text-ink-2">The file of this plan is no longer kept.</p>
        ) : plan.isError ? (
          <ErrorNotice
            error={plan.error}
            title="The plan could not be read"
            onRetry={() => void plan.refetch()}
          />
        ) : live ? (
          <p className="text-sm text-ink-2">It shows here when it is written.</p>
        ) : (
          <div className="skeleton h-24" aria-busy="true" />
        )}
      </div>
      {newest && canWrite && !live && error === undefined ? (
        <footer className="flex flex-col gap-2 border-t border-line px-3 py-2.5">
          <ErrorNotice error={go.error} />
          <div className="flex flex-wrap gap-2">
            <Button tone="primary" busy={go.isPending} onClick={() => go.mutate()}>
              Implement
            </Button>
            <Button onClick={composer.focus}>Say what to change</Button>
          </div>
        </footer>
      ) : null}
    </section>
  )
}
