// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Asking Odoo what became of money, which no phone can know.

const {pause} = require('./transport')

// Milliseconds before each question; Odoo asks WeChat at most every two seconds.
const QUESTIONS = [0, 1000, 2000, 2000, 3000, 3000, 5000]

/**
 * Ask until the state is final or the time is over; the last answer counts.
 *
 * ask: function that returns a promise of an answer with a `state`.
 * finals: object whose keys are the states that stay.
 * end: time, in milliseconds, after which nothing more is asked.
 */
function follow(ask, finals, end, count) {
  const number = count || 0
  return pause(QUESTIONS[Math.min(number, QUESTIONS.length - 1)])
    .then(ask)
    .catch(() => ({state: null, state_message: ''}))
    .then((status) => {
      const next = QUESTIONS[Math.min(number + 1, QUESTIONS.length - 1)]
      if (finals[status.state] || Date.now() + next > end) {
        return status
      }
      return follow(ask, finals, end, number + 1)
    })
}

module.exports = {follow}
