import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { BlockedWords } from './blocked-words.tsx'
import { usePushChanges, usePushState } from './use-push.ts'

/** Push messages of this browser: on and off, a test, and why they cannot be had (UI-1602). */
export function PushSection() {
  const state = usePushState()
  const online = useOnline()
  const { turnOn, turnOff, test } = usePushChanges()
  if (state === undefined) return null
  const failure =
    test.error !== null
      ? { error: test.error, title: 'The test did not arrive' }
      : turnOn.error !== null
        ? { error: turnOn.error, title: 'Push messages could not be turned on' }
        : turnOff.error !== null
          ? { error: turnOff.error, title: 'Push messages could not be turned off' }
          : undefined
  const busy = turnOn.isPending || turnOff.isPending || test.isPending
  const button = (label: string, change: typeof turnOn) => (
    <Button
      busy={change.isPending}
      disabled={!online || busy}
      onClick={() => {
        for (const one of [turnOn, turnOff, test]) one.reset()
        change.mutate()
      }}
    >
      {label}
    </Button>
  )
  return (
    <Section
      title="Push messages"
      help="This browser tells you when a chat has finished or failed, even while Slipway is not open."
    >
      <div className="flex flex-col gap-3">
        {state === 'denied' ? (
          <Notice tone="warn" title="This browser blocks notifications from Slipway">
            <BlockedWords />
          </Notice>
        ) : (
          <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
            <p className="min-w-0 flex-1 basis-56 text-sm text-ink-2">{words(state)}</p>
            {state === 'off' ? button('Turn on', turnOn) : null}
            {state === 'on' ? (
              <div className="flex flex-wrap gap-2">
                {button('Send a test', test)}
                {button('Turn off', turnOff)}
              </div>
            ) : null}
          </div>
        )}
        {failure === undefined ? null : <ErrorNotice {...failure} />}
        {test.isSuccess && state === 'on' ? (
          <Notice tone="ok" title="A test is on its way">
            If nothing appears, check whether your system shows notifications from this browser.
          </Notice>
        ) : null}
      </div>
    </Section>
  )
}

function words(state: 'unsupported' | 'off' | 'on'): string {
  switch (state) {
    case 'on':
      return 'On in this browser. Signing out turns them off.'
    case 'off':
      return 'Off in this browser. It asks for your permission when you turn them on.'
    case 'unsupported':
      return window.isSecureContext
        ? 'This browser does not support them. On iPhone and iPad, add Slipway to the home screen and open it from there.'
        : 'Browsers allow them only over HTTPS: open Slipway at an address that begins with https://.'
  }
}
