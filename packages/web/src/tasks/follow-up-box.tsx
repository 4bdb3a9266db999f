import { CircleAlert, Clock, PenLine, RotateCw, X } from 'lucide-react'
import { type RefObject, useEffect, useSyncExternalStore } from 'react'

import type { Task } from '@slipway/contract'
import { describeError } from '../api/errors.ts'
import type { ComposerHandle } from '../chat-conversation/conversation-context.ts'
import { Composer } from '../chat-conversation/index.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { DeliveryError, type DeliveryStage } from './deliver.ts'
import { type FollowUp, followUps } from './follow-ups.ts'

interface FollowUpBoxProps {
  readonly task: Task
  readonly user: string
  readonly composer: RefObject<ComposerHandle | null>
  /** The task can take messages, and the viewer may send some. */
  readonly writable: boolean
  readonly paused: boolean
  /** Its program runs: messages go out at once. */
  readonly ready: boolean
}

/** Where one writes to a task, and the messages that are still on their way to it (UI-1203). */
export function FollowUpBox({ task, user, composer, writable, paused, ready }: FollowUpBoxProps) {
  const online = useOnline()
  useEffect(() => followUps.restore(task.id, user), [task.id, user])
  const queue = useSyncExternalStore(followUps.subscribe, () => followUps.of(task.id))
  return (
    <div className="flex flex-col gap-2">
      {queue.length === 0 ? null : (
        <ol aria-label="Messages on their way" className="flex flex-col gap-2">
          {queue.map((message) => (
            <li key={message.id}>
              <Waiting
                message={message}
                onRetry={writable ? () => followUps.retry(task, user, message.id) : undefined}
                onEdit={() => composer.current?.insert(followUps.take(task, user, message.id))}
                onDrop={() => followUps.take(task, user, message.id)}
                editable={writable}
              />
            </li>
          ))}
        </ol>
      )}
      {writable ? (
        <Composer
          ref={composer}
          draftKey={`task.${task.id}`}
          organizationId={undefined}
          label={paused ? 'Follow-up' : 'Message'}
          placeholder={
            paused
              ? 'Write a follow-up: the task is resumed for it'
              : ready
                ? 'Write to the task'
                : 'Write a follow-up: it is sent once the task runs'
          }
          blocked={online ? undefined : 'The server cannot be reached'}
          onSubmit={async ({ text }) => followUps.add(task, user, text)}
        />
      ) : null}
    </div>
  )
}

const STAGES: Record<DeliveryStage | 'queued', string> = {
  queued: 'Sent after the message before',
  resume: 'Resuming the task',
  wait: 'Waiting until the task is active',
  busy: 'Waiting until its program takes input',
  send: 'Sending',
}

const FAILED: Record<DeliveryStage, string> = {
  resume: 'The task could not be resumed',
  wait: 'The task did not become active',
  busy: 'The task takes no input',
  send: 'The message could not be sent',
}

function Waiting({
  message: { text, state },
  onRetry,
  onEdit,
  onDrop,
  editable,
}: {
  readonly message: FollowUp
  readonly onRetry: (() => void) | undefined
  readonly onEdit: () => void
  readonly onDrop: () => void
  /** There is a field that its text can go back to. */
  readonly editable: boolean
}) {
  const failed = typeof state === 'object'
  const stopped = failed || state === 'left'
  return (
    <div
      className={
        failed
          ? 'rounded-card border border-[color-mix(in_srgb,var(--bad)_28%,var(--line))] bg-bad-wash px-3 py-2'
          : 'rounded-card border border-line bg-bg px-3 py-2'
      }
    >
      <div className="flex items-start gap-2">
        <p className="line-clamp-3 min-w-0 flex-1 whitespace-pre-wrap text-sm [overflow-wrap:anywhere]">
          <bdi>{text}</bdi>
        </p>
        <div className="flex shrink-0 items-center gap-0.5">
          {stopped && onRetry !== undefined ? (
            <Button
              size="dense"
              onClick={onRetry}
              icon={<RotateCw className="size-3.5" strokeWidth={1.75} />}
            >
              {failed ? 'Try again' : 'Send'}
            </Button>
          ) : null}
          {editable ? (
            <Button
              tone="quiet"
              size="icon"
              aria-label="Take the message back to edit it"
              title="Edit"
              onClick={onEdit}
              icon={<PenLine className="size-4" strokeWidth={1.75} />}
            />
          ) : null}
          <Button
            tone="quiet"
            size="icon"
            aria-label="Do not send the message"
            title="Do not send"
            onClick={onDrop}
            icon={<X className="size-4" strokeWidth={1.75} />}
          />
        </div>
      </div>
      <p
        role={failed ? 'alert' : 'status'}
        className={
          failed
            ? 'mt-1 flex items-start gap-1.5 text-xs text-bad'
            : 'mt-1 flex items-center gap-1.5 text-xs text-ink-2'
        }
      >
        {failed ? (
          <>
            <CircleAlert className="mt-px size-3.5 shrink-0" aria-hidden="true" />
            <span>
              {state.error instanceof DeliveryError ? FAILED[state.error.stage] : 'It could not be sent'}
              {': '}
              {describeError(state.error).message}
            </span>
          </>
        ) : state === 'left' ? (
          <>
            <Clock className="size-3.5 shrink-0" aria-hidden="true" /> Not sent: the page was closed before.
          </>
        ) : (
          <>
            <Spinner className="size-3 text-run" /> {STAGES[state]}
          </>
        )}
      </p>
    </div>
  )
}
