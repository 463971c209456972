package login

// A topic is what a question is about. Most questions ask for a second factor;
// the others are conversations of their own, which begin behind the right
// password, and the topic in the sealed ticket says who takes the answer. A
// topic keeps what it needs in the question's method and memo, asks by put, and
// uses the ticket up by spend.
type topic byte

const (
	topicFactor  topic = iota // a code, or the choice of another method
	topicEnroll               // somebody without a second factor enrolls one
	topicSecond               // she has, in this dialogue, and is offered another
	topicEarly                // she needs none before a date, and is offered one
	topicReached              // she has confirmed a telephone, which the rule does not take, and is offered what it does
	lastTopic    = topicReached
)

// topic is who takes an answer, once the ticket has been opened, the account
// found and the rules asked again.
func (f *Flow) topic(of topic) func(*attempt, User, Decision, *question, loaded) (Step, error) {
	switch of {
	case topicEnroll, topicSecond, topicEarly, topicReached:
		return f.enrolling
	case topicFactor:
	}
	return f.answer
}

// optional reports whether she may end an enrollment without one: who has
// enrolled something already, or needs nothing yet.
func (q *question) optional(d Decision) bool {
	return q.topic == topicSecond || q.early(d)
}

// early reports whether an enrollment is of somebody who needs no second factor
// before a date.
func (q *question) early(d Decision) bool {
	return q.topic == topicEarly || q.topic == topicReached && d.Second == SecondNone
}
