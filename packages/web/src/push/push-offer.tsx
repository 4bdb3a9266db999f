import { Bell, X } from 'lucide-react'

import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Choice, useChoice } from '../theme/choice.ts'
import { Button } from '../ui/button.tsx'
import { toasts } from '../ui/toast.tsx'
import { BlockedWords } from './blocked-words.tsx'
import { usePushChanges, usePushState } from './use-push.ts'

const offer = new Choice<'shown' | 'dismissed'>('slipway.push.offer', ['shown', 'dismissed'])

/** Offers push messages beside the chats, until the viewer takes or dismisses them (UI-1602). */
export function PushOffer() {
  const state = usePushState()
  const online = useOnline()
  const { turnOn } = usePushChanges()
  const choice = useChoice(offer)
  // Who has refused before is not reminded; who does it now is told how to come back.
  const refused = state === 'denied' && turnOn.isSuccess
  if (choice === 'dismissed' || (state !== 'off' && !refused)) return null
  return (
    <section
      aria-label="Push messages"
      className="mx-3 mb-3 flex shrink-0 items-start gap-2.5 rounded-card border border-line bg-surface py-2 pl-2.5 pr-1 text-sm"
    >
      <Bell className="mt-0.5 size-4 shrink-0 text-ink-2" strokeWidth={1.75} aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <div role="status">
          {refused ? (
            <>
              <p className="font-medium">This browser blocks notifications</p>
              <p className="mt-0.5 text-ink-2">
                <BlockedWords />
              </p>
            </>
          ) : (
            <p>Hear when a chat has finished, also while Slipway is not open.</p>
          )}
        </div>
        {refused ? null : (
          <div className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1">
            <Button
              size="dense"
              busy={turnOn.isPending}
              disabled={!online}
              onClick={() =>
                turnOn.mutate(undefined, {
                  onError: (error) => toasts.failed('Push messages could not be turned on', error),
                })
              }
            >
              Turn on
            </Button>
            <AppLink href={paths.settings('notifications')} className="link text-xs">
              More
            </AppLink>
          </div>
        )}
      </div>
      <Button
        tone="quiet"
        size="icon"
        aria-label="Dismiss"
        title="Dismiss"
        onClick={() => offer.set('dismissed')}
        icon={<X className="size-3.5" />}
        className="-my-1"
      />
    </section>
  )
}
