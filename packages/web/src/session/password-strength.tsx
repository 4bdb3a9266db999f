import { useQuery } from '@tanstack/react-query'

import { validatePassword } from '@slipway/contract'
import { api } from '../api/client.ts'
import { classNames } from '../ui/class-names.ts'

/**
 * What the server thinks of a password (`POST /users/validate-password`). Asked on blur and not while typing,
 * because the route shares the tight limit of sign-in attempts (UI-602).
 */
export function usePasswordStrength(password: string, asked: boolean) {
  return useQuery({
    queryKey: ['password-strength', password],
    queryFn: ({ signal }) => api.call(validatePassword, { body: { password }, signal }),
    enabled: asked && password !== '',
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}

const STEPS = 4

/** How far a password is from the length that people can remember and machines cannot guess: 0 to 4. A hint; the server decides. */
export function passwordScore(password: string): number {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(password)).length
  const distinct = new Set(password).size
  const effective = Math.min(password.length, distinct * 2) + (kinds - 1) * 2
  if (password === '') return 0
  return effective >= 20 ? 4 : effective >= 14 ? 3 : effective >= 10 ? 2 : 1
}

const WORDS = ['', 'Weak', 'Could be longer', 'Good', 'Strong']

/** Bar and word of the hint. */
export function PasswordMeter({ password }: { readonly password: string }) {
  const score = passwordScore(password)
  return (
    <div className="flex items-center gap-2 text-xs text-ink-2">
      <span className="flex flex-1 gap-1" aria-hidden="true">
        {Array.from({ length: STEPS }, (_, step) => (
          <span
            key={WORDS[step + 1]}
            className={classNames(
              'h-1 flex-1 rounded-full transition-colors duration-(--slow)',
              step < score ? (score === 1 ? 'bg-bad' : score === 2 ? 'bg-warn' : 'bg-ok') : 'bg-line',
            )}
          />
        ))}
      </span>
      {score === 0 ? null : <span className="min-w-16 text-right">{WORDS[score]}</span>}
    </div>
  )
}
