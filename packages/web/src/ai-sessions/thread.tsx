import { Brain, ChevronRight, CircleAlert, Wrench } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'

import type { AIBridgeThread, AIBridgeThreadRequest, AIBridgeToolCall } from '@slipway/contract'
import { shortCount } from '../ai-gateway/money.ts'
import { JsonView } from '../chat-conversation/json-view.tsx'
import { classNames } from '../ui/class-names.ts'
import { Mark } from '../ui/form.tsx'
import { exactTime } from '../ui/time-ago.tsx'
import { Cost } from './session-columns.tsx'
import {
  argumentsOf,
  credentialWords,
  keyWords,
  objectOf,
  type Step,
  stepsOf,
  tokensIn,
  tookWords,
} from './session-words.ts'

/** A prompt and everything that came of it: each request to the model, its thoughts, and the tools that it chose. */
export function Thread({ thread }: { readonly thread: AIBridgeThread }) {
  const steps = stepsOf(thread)
  const [all, setAll] = useState(false)
  const tools = thread.agentic_actions.reduce((sum, { tool_calls: calls }) => sum + calls.length, 0)
  const failed = steps.filter(({ request }) => isFailed(request)).length
  const shown = all || steps.length <= MANY ? steps : steps.slice(0, FIRST)
  return (
    <li className="min-w-0 rounded-card border border-line bg-surface">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 text-xs text-ink-2">
        <time dateTime={thread.started_at} title={exactTime(Date.parse(thread.started_at))}>
          {clock(thread.started_at)}
        </time>
        <code className="break-all">{thread.model}</code>
        {thread.requested_model === undefined ? null : (
          <span>
            asked for as <code>{thread.requested_model}</code>
          </span>
        )}
        <span className="ml-auto flex flex-wrap gap-x-3 tabular-nums">
          <span>{tookWords(thread.started_at, thread.ended_at)}</span>
          <Usage usage={thread.token_usage} cost={thread.cost_micros} />
        </span>
      </div>
      <Prompt text={thread.prompt} />
      <ol aria-label="Requests" className="border-t border-line">
        {shown.map((step, index) => (
          <Request
            key={step.request.id}
            step={step}
            number={index + 1}
            alone={steps.length === 1}
            of={thread}
          />
        ))}
      </ol>
      {shown.length === steps.length ? null : (
        <div className="border-t border-line px-4 py-2">
          <button
            type="button"
            onClick={() => setAll(true)}
            className="min-h-6 text-sm font-medium text-accent hover:underline hover:underline-offset-3 pointer-coarse:min-h-10"
          >
            Show {steps.length - shown.length} more requests
          </button>
        </div>
      )}
      {steps.length < 2 && tools === 0 ? null : (
        <p className="border-t border-line px-4 py-1.5 text-xs text-ink-2">
          {steps.length === 1 ? '1 request' : `${steps.length} requests`},{' '}
          {tools === 1 ? '1 tool call' : `${tools} tool calls`}
          {failed === 0 ? null : <span className="text-bad">, {failed} failed</span>}
        </p>
      )}
    </li>
  )
}

/** Tokens and their cost; nothing where none were used. */
function Usage({
  usage,
  cost,
}: {
  readonly usage: AIBridgeThread['token_usage']
  readonly cost: number | null
}) {
  if (tokensIn(usage) + usage.output_tokens === 0) return null
  return (
    <>
      <span>{shortCount(tokensIn(usage))} in</span>
      <span>{shortCount(usage.output_tokens)} out</span>
      <Cost exact micros={cost} />
    </>
  )
}

/** With more requests than this a thread shows the first of them until it is asked for all. */
const MANY = 20
const FIRST = 10

const isFailed = ({ error_type: type }: AIBridgeThreadRequest) => type !== undefined && type !== ''

const LONG = 600

/** Plain text, never rendered (UI-1302); long ones show their beginning first. */
function Prompt({ text }: { readonly text: string | undefined }) {
  const [open, setOpen] = useState(false)
  if (text === undefined || text === '')
    return <p className="px-4 py-3 text-sm text-ink-3">The prompt was not kept.</p>
  const long = text.length > LONG || text.split('\n').length > 10
  return (
    <div className="px-4 py-3">
      <p
        className={classNames(
          'whitespace-pre-wrap text-base [overflow-wrap:anywhere]',
          long && !open && 'line-clamp-6',
        )}
      >
        <bdi>{text}</bdi>
      </p>
      {long ? (
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="mt-1 min-h-6 text-sm font-medium text-accent hover:underline hover:underline-offset-3 pointer-coarse:min-h-10"
        >
          {open ? 'Show less' : 'Show all'}
        </button>
      ) : null}
    </div>
  )
}

function Request({
  step: { request, action },
  number,
  alone,
  of: { model },
}: {
  readonly step: Step
  readonly number: number
  readonly alone: boolean
  readonly of: AIBridgeThread
}) {
  const failed = isFailed(request)
  const key = keyWords(request.credential_hint)
  const rest = Object.keys(request.metadata).length > 0
  return (
    <li className="min-w-0 border-b border-line px-4 py-2 last:border-b-0">
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 text-xs text-ink-2">
        <span className="font-medium text-ink">{alone ? 'Request' : `Request ${number}`}</span>
        <span>
          {request.provider_name === '' ? request.provider : request.provider_name}
          {/* The thread has it already, unless another one stood in for it. */}
          {request.model === model ? null : (
            <>
              {' · '}
              <code className="break-all">{request.model}</code>
            </>
          )}
        </span>
        <span>
          {credentialWords(request.credential_kind)}
          {key === undefined ? null : (
            <>
              {' '}
              <code>{key}</code>
            </>
          )}
        </span>
        {/* Alone, it took and cost what its thread did. */}
        {alone ? null : (
          <span className="ml-auto flex gap-x-3 tabular-nums">
            <span>{tookWords(request.started_at, request.ended_at)}</span>
            <Usage usage={request.token_usage} cost={request.cost_micros} />
          </span>
        )}
      </div>
      {failed ? (
        <p className="mt-1.5 flex items-start gap-2 text-sm text-bad">
          <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
          <span className="min-w-0 [overflow-wrap:anywhere]">
            <code>{request.error_type}</code>
            {request.error_message === undefined || request.error_message === ''
              ? null
              : `: ${request.error_message}`}
          </span>
        </p>
      ) : null}
      {action === undefined && !rest ? null : (
        <ul aria-label={`What happened in request ${number}`} className="mt-1 flex min-w-0 flex-col">
          {action?.thinking.map((thought, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: thoughts have no id and never move
            <Row key={`thought ${index}`} icon={Brain} title="Thought" about={thought.text}>
              <p className="whitespace-pre-wrap text-sm text-ink-2 [overflow-wrap:anywhere]">
                <bdi>{thought.text}</bdi>
              </p>
            </Row>
          ))}
          {action?.tool_calls.map((call) => (
            <ToolCall key={call.id} call={call} />
          ))}
          {rest ? (
            <Row icon={ChevronRight} title="Notes" about={Object.keys(request.metadata).join(', ')} bare>
              <JsonView label="Notes of the gateway" value={request.metadata} />
            </Row>
          ) : null}
        </ul>
      )}
    </li>
  )
}

function ToolCall({ call }: { readonly call: AIBridgeToolCall }) {
  const failed = call.invocation_error !== undefined && call.invocation_error !== ''
  return (
    <Row
      icon={Wrench}
      title={call.tool}
      about={objectOf(call.input)}
      mark={
        failed ? (
          <span className="inline-flex shrink-0 items-center gap-1 text-xs font-medium text-bad">
            <CircleAlert className="size-3.5" aria-hidden="true" /> failed
          </span>
        ) : call.injected ? (
          <Mark>by the gateway</Mark>
        ) : null
      }
    >
      <div className="flex flex-col gap-2">
        {failed ? <p className="text-sm text-bad [overflow-wrap:anywhere]">{call.invocation_error}</p> : null}
        {call.server_url === '' ? null : (
          <p className="text-xs text-ink-2">
            Tool of <code className="break-all">{call.server_url}</code>
          </p>
        )}
        {call.input === '' ? (
          <p className="text-sm text-ink-2">No arguments, or they were not kept.</p>
        ) : (
          <JsonView label="Arguments" value={argumentsOf(call.input)} />
        )}
      </div>
    </Row>
  )
}

/** One line that opens in place. */
function Row({
  icon: Icon,
  title,
  about,
  mark = null,
  bare = false,
  children,
}: {
  readonly icon: typeof Wrench
  readonly title: string
  readonly about: string
  readonly mark?: ReactNode
  /** The arrow is mark enough. */
  readonly bare?: boolean
  readonly children: ReactNode
}) {
  const [open, setOpen] = useState(false)
  const content = useId()
  return (
    <li className="min-w-0">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={open ? content : undefined}
        onClick={() => setOpen(!open)}
        className="-mx-2 flex min-h-7 w-[calc(100%+16px)] min-w-0 items-center gap-2 rounded-control px-2 text-left text-sm hover:bg-hover pointer-coarse:min-h-10"
      >
        <ChevronRight
          className={classNames(
            'size-3.5 shrink-0 text-ink-3 transition-transform duration-(--fast)',
            open && 'rotate-90',
          )}
          aria-hidden="true"
        />
        {bare ? null : (
          <Icon className="size-3.5 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
        )}
        <bdi className="max-w-[60%] shrink-0 truncate font-medium">{title}</bdi>
        <bdi className="min-w-0 flex-1 truncate text-ink-2">{about}</bdi>
        {mark}
      </button>
      {open ? (
        <div id={content} className="pb-2 pl-[22px] pt-1">
          {children}
        </div>
      ) : null}
    </li>
  )
}

function clock(time: string): string {
  return new Date(time).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
}
