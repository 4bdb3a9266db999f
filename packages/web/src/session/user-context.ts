import { createContext } from 'react'

import type { User } from '@slipway/contract'

/** The signed-in user, of all pages that need one. */
export const UserContext = createContext<User | undefined>(undefined)
