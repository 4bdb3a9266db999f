import {
  CircleAlert,
  CircleDashed,
  CircleHelp,
  CirclePause,
  GitMerge,
  GitPullRequest,
  GitPullRequestClosed,
  GitPullRequestDraft,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
} from 'lucide-react'

import type { Chat, ChatDiffStatus } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

type Shown = Omit<Chat, 'children'>

/** How a chat does, in a word and a mark. */
export function chatLook(chat: Pick<Shown, 'status' | 'queued_for_capacity'>): StateLook {
  if (chat.queued_for_capacity === true)
    return { label: 'Waiting for capacity', tone: 'warn', icon: Hourglass }
  switch (chat.status) {
    case 'waiting':
      return { label: 'Idle', tone: 'off', icon: CircleDashed }
    case 'running':
      return { label: 'Working', tone: 'run', icon: LoaderCircle, moving: true }
    case 'interrupting':
      return { label: 'Stopping', tone: 'warn', icon: CirclePause }
    case 'requires_action':
      return { label: 'Needs you', tone: 'warn', icon: CircleHelp }
    case 'error':
      return { label: 'Failed', tone: 'bad', icon: CircleAlert }
  }
}

interface PullRequestLook {
  readonly label: string
  readonly icon: LucideIcon
  readonly className: string
}

/** State of the pull request of a chat; `undefined` when it has none. */
export function pullRequestLook(diff: ChatDiffStatus | undefined): PullRequestLook | undefined {
  switch (diff?.pull_request_state) {
    case 'open':
      return diff.pull_request_draft
        ? { label: 'Draft pull request', icon: GitPullRequestDraft, className: 'text-ink-3' }
        : { label: 'Open pull request', icon: GitPullRequest, className: 'text-ok' }
    case 'merged':
      return { label: 'Merged pull request', icon: GitMerge, className: 'text-run' }
    case 'closed':
      return { label: 'Closed pull request', icon: GitPullRequestClosed, className: 'text-bad' }
    default:
      return undefined
  }
}

/** What stands under the title: why it failed, or how the last turn went. */
export function chatNote(chat: Shown): string {
  if (chat.status === 'error' && chat.last_error !== undefined) return chat.last_error.message
  return chat.last_turn_summary ?? ''
}

/** The server's word for a turn that ended with a question (CH-1012). */
const ASKS = 'Waiting for user input'

/** Whether the chat goes on only once its owner has answered (UI-B16). */
export function needsViewer(chat: Shown): boolean {
  return (
    !chat.archived &&
    (chat.status === 'requires_action' || (chat.status === 'waiting' && chat.last_turn_summary === ASKS))
  )
}

const STEPS = [
  [60, 60, 'm'],
  [24, 3600, 'h'],
  [7, 86_400, 'd'],
  [Number.POSITIVE_INFINITY, 604_800, 'w'],
] as const

/** How long ago, in as few letters as there is room for in a list: "now", "5m", "3h", "2d", "6w". */
export function shortAge(time: number, now: number): string {
  const seconds = Math.max(0, (now - time) / 1000)
  if (seconds < 60) return 'now'
  for (const [below, length, letter] of STEPS) {
    const units = Math.floor(seconds / length)
    if (units < below) return `${units}${letter}`
  }
  return ''
}

/** An amount of money given in millionths of a dollar; small ones keep enough digits to be more than nothing. */
export function dollars(micros: number): string {
  const amount = micros / 1_000_000
  const digits = amount === 0 || amount >= 0.1 ? 2 : amount >= 0.001 ? 4 : 6
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount)
}

/** A size in bytes as people say it. */
export function fileSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, 'KiB'] : [bytes / 1024 / 1024, 'MiB']
  return `${value >= 100 ? Math.round(value) : Math.round(value * 10) / 10} ${unit}`
}
