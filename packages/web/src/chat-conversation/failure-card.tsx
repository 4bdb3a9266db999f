import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import type { ChatErrorKind, ChatInputPart, ChatMessage } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { useChatView, useConversation } from './conversation-context.ts'
import { failureWords } from './failure-words.ts'

/** Why the turn ended, and the next step (UI-1132). */
export function FailureCard({ onSumUp }: { readonly onSumUp: (() => Promise<void>) | undefined }) {
  const { session, canWrite, startEdit } = useConversation()
  const error = useChatView(session, ({ chat }) => (chat.status === 'error' ? chat.error : undefined))
  const last = useChatView(session, ({ chat }) => chat.messages.findLast(({ role }) => role === 'user'))
  const [detail, setDetail] = useState(false)
  const again = useMutation({
    // The same message in its own place: what failed after it goes.
    mutationFn: async (message: ChatMessage) => session.edit(message.id, inputOf(message), {}),
  })
  const compact = useMutation({ mutationFn: async () => onSumUp?.() })
  if (error === undefined) return null
  const { title, next, advice } = failureWords(error)
  const said = error.message.replace(/\.$/, '') === title ? undefined : error.message
  const facts = [said, error.provider, error.status_code].filter((fact) => fact !== undefined)
  return (
    <div className="flex flex-col gap-2 pb-2">
      <Notice
        tone={error.kind === 'hook_denied' ? 'info' : 'bad'}
        title={title}
        action={
          canWrite ? (
            <>
              {next === 'key' ? <KeyLink kind={error.kind} /> : null}
              {next === 'model' && onSumUp !== undefined ? (
                <Button size="dense" busy={compact.isPending} onClick={() => compact.mutate()}>
                  Compact
                </Button>
              ) : null}
              {last === undefined ? null : (
                <Button size="dense" onClick={() => startEdit(last.id)}>
                  Change message
                </Button>
              )}
              {last === undefined || next === 'shorten' ? null : (
                <Button size="dense" busy={again.isPending} onClick={() => again.mutate(last)}>
                  Try again
                </Button>
              )}
            </>
          ) : undefined
        }
      >
        {facts.length === 0 ? null : <p className="[overflow-wrap:anywhere]">{facts.join(' · ')}</p>}
        <p>{advice}</p>
        {error.detail === undefined ? null : (
          <>
            <button
              type="button"
              className="link text-xs"
              aria-expanded={detail}
              onClick={() => setDetail(!detail)}
            >
              {detail ? 'Hide details' : 'Details'}
            </button>
            {detail ? (
              <pre className="mt-1 whitespace-pre-wrap text-xs [overflow-wrap:anywhere]">{error.detail}</pre>
            ) : null}
          </>
        )}
      </Notice>
      <ErrorNotice error={again.error ?? compact.error} />
    </div>
  )
}

/** Where the key is: one that was refused may be of the deployment, for those who see to it; else one's own. */
function KeyLink({ kind }: { readonly kind: ChatErrorKind }) {
  const look = buttonClass({ size: 'dense' })
  const mayRepair = usePermissions()?.viewAnyAIProvider === true
  return kind === 'auth' && mayRepair ? (
    <AppLink href={paths.aiProviders()} className={look}>
      Providers
    </AppLink>
  ) : (
    <AppLink href={paths.agentSettings('api-keys')} className={look}>
      Own API keys
    </AppLink>
  )
}

/** A message as it can be sent again. */
function inputOf({ content }: Pick<ChatMessage, 'content'>): readonly ChatInputPart[] {
  return content.flatMap((part): ChatInputPart[] => {
    switch (part.type) {
      case 'text':
        return [{ type: 'text', text: part.text ?? '' }]
      case 'file':
        return part.file_id === undefined ? [] : [{ type: 'file', file_id: part.file_id }]
      case 'file-reference':
        return [
          {
            type: 'file-reference',
            file_name: part.file_name ?? '',
            start_line: part.start_line ?? 0,
            end_line: part.end_line ?? 0,
            content: part.content ?? '',
          },
        ]
      default:
        return []
    }
  })
}
