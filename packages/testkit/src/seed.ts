/**
 * Where all random input of tests begins, so that the same tests give the same answer twice. `SLIPWAY_SEED` chooses
 * another one, for whoever searches for new faults.
 */
export const SEED = Number(process.env.SLIPWAY_SEED ?? 1)
