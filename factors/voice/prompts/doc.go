// Package prompts has what people hear in calls, in their languages.
package prompts
